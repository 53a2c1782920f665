#include "schema/base/result.h"

#include <system_error>

namespace arctic {

std::string Error::message() const {
  std::string text;
  for (const std::string* part : {&where, &subject, &reason}) {
    if (part->empty()) continue;
    if (!text.empty()) text += ": ";
    text += *part;
  }
  return text;
}

tl::unexpected<Error> fail(ErrorCode code, std::string subject, std::string reason,
                           std::string hint, std::string where) {
  return tl::unexpected<Error>(Error{code, std::move(subject), std::move(reason),
                                     std::move(where), std::move(hint)});
}

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace arctic
