#!/bin/sh
# Serves a model with a program that was just installed, on Linux, macOS or Windows (in Git's shell): smoke-test.sh VERSION
# `cortex` is found on the PATH, Python too.
set -eu

version=$1
folder=$(mktemp -d)
trap 'cortex delete smoke -f >/dev/null 2>&1 || true; cd /; rm -rf "$folder"' EXIT
cd "$folder"
CORTEX_HOME=$folder/home
export CORTEX_HOME

expect() {
  printf '%s: %s\n' "$1" "$2"
  case $2 in
    *"$3"*) ;;
    *)
      echo "error: there is no \"$3\" in it" >&2
      exit 1
      ;;
  esac
}

cat >handler.py <<'END'
class Handler:
    def __init__(self, config):
        self.greeting = "Hello"

    def handle_post(self, payload):
        return {"text": f"{self.greeting}, {payload['name']}!"}
END
cat >cortex.yaml <<'END'
- name: smoke
  kind: RealtimeAPI
  handler:
    path: handler.py
END

expect version "$(cortex --version)" "cortex $version"
# What the user set for other programs that run on Node does not reach this one.
expect options "$(NODE_OPTIONS=--no-such-option cortex --version)" "cortex $version"
expect help "$(cortex --help)" "Usage: cortex"
expect completion "$(cortex completion bash)" "complete -o default -F _cortex cortex"
cortex doctor || true
expect deploy "$(cortex deploy 2>&1)" "smoke is live"
expect get "$(cortex get)" smoke
expect predict "$(cortex predict smoke -d '{"name": "Ada"}')" "Hello, Ada!"
expect delete "$(cortex delete smoke -f 2>&1)" smoke
echo "it works"
