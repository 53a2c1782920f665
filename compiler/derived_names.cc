#include "compiler/derived_names.h"

namespace arctic {

void check_derived_names(const Config&, Diagnostics&) {}

}  // namespace arctic
