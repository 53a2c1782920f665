// What a fallible function returns, and the one shape every error has.
//
// Used by every layer. Holds no I/O and never terminates the process; exceptions of third-party
// libraries are turned into these values inside the file that calls the library.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace arctic {

/// What went wrong, as the exit code tables and scripts tell failures apart.
/// The numeric values are the process exit codes.
enum class ErrorCode {
  kFailure = 1,      ///< a system call or file operation failed
  kConfig = 3,       ///< the configuration or an artifact is not acceptable
  kUnreachable = 4,  ///< a runtime or peer does not answer
  kRefused = 5,      ///< lock held, stale plan, guard, foreign object
  kPartly = 6,       ///< a change was made that could not be undone
  kUsage = 64,       ///< the command line is wrong
};

/// One failure, in the user's words.
struct Error {
  ErrorCode code = ErrorCode::kFailure;
  std::string subject;  ///< what it is about: a file, an interface, a table; may be empty
  std::string reason;   ///< what is wrong with it
  std::string where;    ///< `file:line:column` or the step of an apply; may be empty
  std::string hint;     ///< what to do about it; may be empty

  /// "where: subject: reason", leaving out what is empty; without the hint.
  [[nodiscard]] std::string message() const;
};

/// A T or an Error. A class of its own only to be [[nodiscard]], which the library's is not.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};
using Status = Result<void>;  ///< `return {};` is success

/// A failed Result of any type: `return fail(ErrorCode::kRefused, "eth1", "is not ours", "hint");`
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, std::string subject, std::string reason,
                                         std::string hint = {}, std::string where = {});

/// The text of an errno value, e.g. "No such file or directory".
[[nodiscard]] std::string errno_text(int error_number);

}  // namespace arctic

#define ARCTIC_CONCAT_INNER(a, b) a##b
#define ARCTIC_CONCAT(a, b) ARCTIC_CONCAT_INNER(a, b)

/// Returns the error of a Status from the enclosing function, else goes on.
#define ARCTIC_CHECK(expression)                                                  \
  do {                                                                            \
    if (auto arctic_status = (expression); !arctic_status) {                      \
      return ::tl::unexpected<::arctic::Error>(std::move(arctic_status).error()); \
    }                                                                             \
  } while (false)

#define ARCTIC_TRY_INNER(temporary, declaration, expression)                \
  auto temporary = (expression);                                            \
  if (!temporary) {                                                         \
    return ::tl::unexpected<::arctic::Error>(std::move(temporary).error()); \
  }                                                                         \
  declaration = std::move(*temporary)

/// ARCTIC_TRY(auto value, may_fail()); returns the error, or binds the value.
#define ARCTIC_TRY(declaration, expression) \
  ARCTIC_TRY_INNER(ARCTIC_CONCAT(arctic_result_, __LINE__), declaration, expression)
