#include "runtime/tempest/place_keeper.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>

#include "runtime/daemon/config_text.h"
#include "runtime/io/owned_fd.h"
#include "runtime/io/place_file.h"

namespace arctic {
namespace {

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
  if (!std::filesystem::exists(path_)) return {};
  ARCTIC_TRY(const std::string text, read_config_text(path_));
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
