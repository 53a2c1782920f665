#!/usr/bin/env bash
# Bandwidth limits keep their bounds: the bench's short form.
# usage: lab_limits_test.sh ARCTIC PEGASUS TRAFFIC     (root)
# Whole rates of a machine that does other things, too, differ by more than the bench's bound.
ARCTIC_LAB_BESIDE=${ARCTIC_LAB_BESIDE:-0.8} exec "$(dirname "$(readlink -f "$0")")/../bench/bench_limits" "$@" 100
