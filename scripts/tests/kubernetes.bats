#!/usr/bin/env bats
# deploy/kubernetes/channel, with a kubectl that stands in for a cluster.

load helper
setup() {
  start_relay
  channel="$scripts/../deploy/kubernetes/channel"
  answers /api/channel/slow%20one/disable 200 application/json '{"success":true}' adm1n
  answers /api/channel/a/enable 200 application/json '{"success":true}' adm1n
  # Pods are forwarded to the fake relay; those whose name begins with dead are not.
  stand_in kubectl "case \" \$* \" in
    *' get secret '*) printf '%s' \"\${secret-$(printf adm1n | base64)}\" ;;
    *' get pods '*) printf '%s\n' \${pods-pod-1 pod-2} ;;
    *' port-forward pod/dead'*) echo 'error: unable to forward port because pod is not running' >&2; exit 1 ;;
    *' port-forward '*) echo 'Forwarding from 127.0.0.1:${url##*:} -> 3000'; exec sleep 60 ;;
  esac"
}
teardown() { stop_relay; }

@test "a channel is disabled on every pod, whatever is in its name, with the token of the Secret" {
  run -0 "$channel" disable 'slow one' --cut
  has 'pod-1: 200 {"success":true}'
  has 'pod-2: 200'
  [ "$(asked 'select(.method == "POST") | .path + "?" + .query')" = '/api/channel/slow%20one/disable?cut=true
/api/channel/slow%20one/disable?cut=true' ]
  run ! grep -q adm1n "$BATS_TEST_TMPDIR/called"
}

@test "the token of the environment goes before the Secret's, and a wrong one is told pod by pod" {
  ADMIN_TOKEN=wrong run -1 "$channel" enable a
  has 'pod-1: 401'
  has '2 of 2 pods have not done it'
}

@test "a pod that cannot be reached is named, and the others are asked all the same" {
  export pods='dead-1 pod-2'
  run -1 "$channel" enable a -n elsewhere
  has 'dead-1: not reached: error: unable to forward'
  has 'pod-2: 200'
  has '1 of 2 pods'
  grep -q 'kubectl -n elsewhere get pods' "$BATS_TEST_TMPDIR/called"
}

@test "a cluster that cannot be reached is not taken for a Secret without a token" {
  stand_in kubectl 'echo "The connection to the server was refused" >&2; exit 1'
  run -3 "$channel" enable a
  has 'could not read the Secret'
  has_not 'no ADMIN_TOKEN'
}

@test "no pod, no token and a wrong call are said" {
  pods='' run -3 "$channel" enable a
  has 'no pod'
  secret='' run -3 "$channel" enable a
  has 'no ADMIN_TOKEN'
  run -2 "$channel" disable
  run -2 "$channel" enable a --cut
  run -2 "$channel" pause a
}
