# What tests of the control socket and of reload share. Sourced after lab.sh, never run.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# The answer in $result, when it was asked for in $asked (seconds, monotonic).
ask() { # NODE METHOD [PARAMS]
  status=0
  result=$("$here/control.py" "$1/run/arctic/pegasus.sock" "${@:2}" 2>control.log) || status=$?
  asked=$(head -n 1 control.log)
}
code() { field '.error.code // "ok"'; }
answers() { # WHAT CODE NODE METHOD [PARAMS]
  local what=$1 wanted=$2
  shift 2
  ask "$@"
  if [ "$(code)" = "$wanted" ]; then ok "$what"; else bad "$what" "wanted $wanted, got $result"; fi
}
# A configuration beside the one that is applied: arctic.yaml's peers with other services.
compiled() { # NAME SERVICES
  sed '/^services:/q' arctic.yaml >"$1.yaml"
  printf '%s\n' "$2" >>"$1.yaml"
  compiled_yaml "$1"
}
compiled_yaml() { # NAME, of a NAME.yaml
  "$arctic" compile "$1.yaml" --all -o "$1" >compile.log 2>&1 || die "compile: $(cat compile.log)"
}
digest() { b2sum -l 256 <"$1" | cut -d ' ' -f 1; }
params() { # GENERATION NAME NODE
  printf '{"generation":"%s","path":"%s","digest":"%s"}' \
    "$1" "$PWD/$2/$3/pegasus.json" "$(digest "$2/$3/pegasus.json")"
}
generation() { # GENERATION [DRAIN-SECONDS]
  printf '{"generation":"%s"%s}' "$1" "${2:+,\"drain_s\":$2}"
}
# At the exit first, as an operator would.
both() { # CODE METHOD PARAMS-OF-BOTH
  answers "$2 at the exit" "$1" exit "$2" "$3"
  answers "$2 at the entry" "$1" entry "$2" "$3"
}
prepare_both() { # GENERATION NAME
  answers "prepare $1 at the exit" ok exit prepare "$(params "$1" "$2" exit)"
  answers "prepare $1 at the entry" ok entry prepare "$(params "$1" "$2" entry)"
}
change_both() { # GENERATION NAME: prepare, commit
  prepare_both "$1" "$2"
  both ok commit "$(generation "$1")"
}
# The kernel's rules of one configuration, and another one to start with: so that only Pegasus
# decides. REQUIRES: both are compiled.
begin_with() { # RULES NAME
  cp "$1.yaml" arctic.yaml
  local node
  for node in exit entry; do
    apply "$node"
    cp "$2/$node/pegasus.json" "$node/opt/tillered/pegasus/config.json"
  done
}
