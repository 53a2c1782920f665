#include "runtime/tempest/place_keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "runtime/io/owned_fd.h"
#include "runtime/io/place_file.h"

namespace arctic {
namespace {

constexpr std::size_t kMostBytes = 16U << 20;
constexpr unsigned kMode = 0600;

}  // namespace

PlaceKeeper::PlaceKeeper(Log& log, std::string path) : log_(log), path_(std::move(path)) {
  if (const Status done = read(); !done) {
    places_.clear();
    log_.say(LogLevel::kWarning, "where peers were last is not known",
             {{"file", path_}, {"reason", done.error().message()}});
  }
}

Status PlaceKeeper::read() {
  const OwnedFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid() && errno == ENOENT) return {};
  if (!fd.valid()) return fail(ErrorCode::kFailure, {}, errno_text(errno));
  std::string text;
  std::array<char, 16384> buffer;
  ssize_t got = 0;
  while (text.size() < kMostBytes && (got = ::read(fd.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (got < 0) return fail(ErrorCode::kFailure, {}, errno_text(errno));
  ARCTIC_TRY(places_, decode_peer_places(text));
  return {};
}

Status PlaceKeeper::write() const {
  const std::filesystem::path path(path_);
  const OwnedFd folder(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int error = folder.valid() ? place_file(folder.get(), path.filename(), encode(places_),
                                                kMode, Existing::kReplaced)
                                   : errno;
  if (error == 0) return {};
  return fail(ErrorCode::kFailure, {}, errno_text(error));
}

std::optional<Endpoint> PlaceKeeper::find(const PublicKey& key,
                                          const std::optional<Endpoint>& declared) const {
  const auto found = places_.find(key);
  if (found == places_.end() || found->second.declared != declared) return std::nullopt;
  return found->second.endpoint;
}

void PlaceKeeper::keep(PeerPlaces places) {
  if (places == places_) return;
  places_ = std::move(places);
  const Status done = write();
  if (!done && !complained_) {
    log_.say(LogLevel::kWarning, "where peers are cannot be kept",
             {{"file", path_}, {"reason", done.error().message()}});
  }
  complained_ = !done;
}

}  // namespace arctic
