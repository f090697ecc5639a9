#!/bin/sh
# Stands in for the host in the tests of the demo. What it does depends on the names it is given.
session='{"id":"1","topic":"t","subject":"/graphInstances/demo/sources/s","eventType":"Microsoft.Media.Graph.Diagnostics.MediaSessionEstablished","eventTime":"2026-11-20T10:00:00Z","dataVersion":"1.0","data":{}}'
last='{"id":"2","topic":"t","subject":"/graphInstances/demo/sinks/a","eventType":"Microsoft.Media.Graph.Operational.RecordingStopped","eventTime":"2026-11-20T10:00:09Z","dataVersion":"1.0","data":{}}'
case "$1 $2" in
  "camera silent") exit 3 ;;
  camera*) echo 'starting'; echo '{"url":"rtsp://127.0.0.1:1/yard"}'; exec sleep 600 ;;
  "run good")
    trap 'echo "$last"; exit 0' INT
    echo "$session"
    while :; do sleep 0.05; done ;;
  "run failing-at-the-end")
    trap 'echo "could not close" >&2; exit 1' INT
    echo "$session"
    while :; do sleep 0.05; done ;;
  "run short") echo "the topology is wrong" >&2; exit 78 ;;
  check*) echo '{"name":"a","start":"2026-11-20T10:00:00Z","duration":1,"bytes":1,"tracks":[],"problems":[]}' ;;
esac
