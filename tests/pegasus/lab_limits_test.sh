#!/usr/bin/env bash
# Bandwidth limits keep their bounds: the bench's short form.
# usage: lab_limits_test.sh ARCTIC PEGASUS TRAFFIC     (root)
exec "$(dirname "$(readlink -f "$0")")/../bench/bench_limits" "$@" 100
