// A file that gets its name only when its content is whole and on disk.
//
// Used by whoever writes files: the reconciler, the key file, the command line. Where the file
// system can, the content has no name while it is written, so that being killed leaves nothing;
// signals wait meanwhile. What is killed between its name aside and its place leaves a file of one
// fixed name, which the next write of the same file takes away. Never follows a link.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace arctic {

enum class Existing : std::uint8_t { kReplaced, kKept };

/// Puts `content` at `name` in the folder that `folder` is an open descriptor of, with exactly
/// `mode`, whatever the umask. 0, or the errno value of what failed; EEXIST if something is there
/// that is to be kept. kReplaced replaces whatever may be renamed over, thus a device too: ask
/// before.
[[nodiscard]] int place_file(int folder, const std::string& name, std::string_view content,
                             unsigned mode, Existing existing);

/// True for names that place_file() gives to what is not yet at its place.
[[nodiscard]] bool is_unplaced(std::string_view name);

/// 0, or an errno value.
[[nodiscard]] int write_all(int fd, std::string_view content);

}  // namespace arctic
