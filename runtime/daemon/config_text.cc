#include "runtime/daemon/config_text.h"

#include <array>
#include <cerrno>
#include <fstream>

namespace arctic {

Result<std::string> read_config_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kFailure, path, errno_text(errno),
                errno == ENOENT ? "`arctic apply` writes it" : "");
  }
  // One byte more than can be decoded: a bigger file is refused there, and /dev/zero ends here.
  constexpr std::size_t kMostRead = (std::size_t{64} << 20) + 1;
  std::string text;
  std::array<char, 65536> piece;
  while (text.size() < kMostRead && (file.read(piece.data(), piece.size()) || file.gcount() > 0)) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return fail(ErrorCode::kFailure, path, "cannot be read");
  return text;
}

}  // namespace arctic
