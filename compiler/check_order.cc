#include "compiler/shadow.h"

namespace arctic {

void check_order(const Config&, Diagnostics&) {}

}  // namespace arctic
