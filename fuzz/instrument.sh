#!/bin/sh
# Stands between cargo and rustc: what reads the bytes of strangers gets libFuzzer's counters, as `cargo fuzz` would add them.
# The compiler of components stays without: instrumented, it takes an hour to build and slows each run down. So does what is
# built for the machine that builds, which `--target` is not said of: macros that serde_json is part of could not be loaded.
name=
target=
previous=
for argument; do
  [ "$previous" = --crate-name ] && name=$argument
  [ "$argument" = --target ] && target=yes
  previous=$argument
done
[ "$target" ] || exec "$@"
case $name in
mediagraph | component | decoder | rtsp | sdp | topology | h264_reader | jsonc_parser | retina | rtsp_types | rusty_h264_* | sdp_types | serde_json)
  exec "$@" --cfg=fuzzing \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
  ;;
*) exec "$@" ;;
esac
