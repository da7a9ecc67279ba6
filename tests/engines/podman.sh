# podman with conmon, as root: shellcheck shell=bash

p() {
  # Whom a case has started in the background does not hold another one up.
  timeout --foreground -k 5 60 podman --root "$scratch/podman/root" --runroot "$scratch/podman/run" --tmpdir "$scratch/podman/tmp" \
    --cgroup-manager cgroupfs --hooks-dir "$scratch/podman/hooks" "$@"
}

engine_begins() {
  mkdir -p "$scratch/podman/hooks"
  cat > /etc/containers/containers.conf << END
[containers]
# No more than a process without CAP_SYS_RESOURCE may have.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
init_path = "/usr/bin/tini-static"
[engine]
# Else podman would make one of a program that Debian has in a package of its own.
infra_image = "localhost/pause:1"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "tested"
# podman asks by the name that it knows a runtime by.
runtime_supports_json = ["tested"]
runtime_supports_nocgroup = ["tested"]
[engine.runtimes]
tested = ["$RUNTIME"]
END
  printf 'unqualified-search-registries = []\n' > /etc/containers/registries.conf
  p load -i "$tar"
}

engine_tidies() {
  local id
  eventually p pod rm -fa -t 0 && eventually p rm -fa -t 0 || return
  rm -f "$scratch/podman/hooks"/*
}

engine_ends() {
  p system prune -f
}

# once OPTION...: a container that is gone afterwards, with no network.
once() {
  p run --rm --network none "$@"
}

# kept OPTION...: one that sleeps, called c.
kept() {
  p run -d --name c --network none "$@" "$img" sleep 1000 > /dev/null
}

state() {
  p inspect --format "$1" "${2:-c}"
}

is() {
  same "$(state "$1")" "$2"
}

case_run() { # short
  same "$(once -w /tmp -e A=b -u someone -h there "$img" sh -c 'pwd; echo $A $FROM_IMAGE; id -u; hostname')" $'/tmp\nb yes\n1000\nthere'
  gives 7 once "$img" sh -c 'exit 7'
  same "$(echo words | once -i "$img" cat)" words
  gives 137 once "$img" sh -c 'sh -c "kill -9 \$\$"; exit $?'
}

case_run_errors() { # short
  gives 127 once "$img" no-such-command
  has "$out" 'executable file (`no-such-command` )?not found in \$PATH'
  gives 127 once "$img" /no/such/file
  has "$out" '[nN]o such file or directory'
  gives 126 once "$img" /etc/words
  has "$out" '[pP]ermission denied'
  gives 126 once "$img" /etc
  gives 126 once --user nobody-at-all "$img" true
}

case_detached() { # short
  p run -d --name c --network none "$img" sh -c 'echo out; echo err >&2; exit 3' > id
  same "$(p wait c)" 3
  same "$(p logs c 2> /dev/null)" out
  same "$(p logs c 2>&1 > /dev/null)" err
  is '{{.State.Status}} {{.State.ExitCode}}' 'exited 3'
  p start c
  same "$(p wait c)" 3
  same "$(p logs c 2> /dev/null)" $'out\nout'
}

case_terminal() { # short
  local out
  out=$(once -t "$img" sh -c 'tty; stty size')
  has "$out" '^/dev/pts/0'
  out=$(with_terminal podman --root "$scratch/podman/root" --runroot "$scratch/podman/run" --tmpdir "$scratch/podman/tmp" \
    --cgroup-manager cgroupfs run --rm -ti --network none "$img" sh -c 'stty size; test -c /dev/console && ls -l /dev/console; tty </dev/console')
  has "$out" '24 80$'
  has "$out" '/dev/console'
}

case_exec() { # short
  kept -e IN_RUN=1
  gives 9 p exec c sh -c 'exit 9'
  same "$(p exec -w /tmp -e A=b -u someone c sh -c 'pwd; echo $A $IN_RUN; id -u')" $'/tmp\nb 1\n1000'
  same "$(echo words | p exec -i c cat)" words
  p exec -d c sh -c 'echo done > /tmp/done; sleep 1000'
  eventually p exec c test -s /tmp/done
  gives 127 p exec c no-such-command
  gives 127 p exec c /no/such/file
  gives 126 p exec c /etc/words
  same "$(p exec --user 1234:5678 c sh -c 'id -u; id -g')" $'1234\n5678'
}

case_exec_terminal() { # short
  kept
  has "$(p exec -t c tty)" '^/dev/pts/'
  # (podman sets the size when the command runs already.)
  has "$(with_terminal podman --root "$scratch/podman/root" --runroot "$scratch/podman/run" --tmpdir "$scratch/podman/tmp" \
    --cgroup-manager cgroupfs exec -ti c sh -c 'until stty size 2> /dev/null; do sleep 0.05; done')" '24 80$'
}

case_exec_privileged() {
  local all
  all=$(sed -n 's/^CapBnd:\t//p' /proc/self/status)
  kept
  has "$(p exec --privileged c cat /proc/self/status)" "^CapEff:.$all"
  lacks "$(p exec c cat /proc/self/status)" "^CapEff:.$all"
}

case_exec_descriptors() {
  kept
  same "$(p exec --preserve-fds 2 c sh -c 'cat <&3; echo words >&4' 3< <(echo three) 4> four)" three
  same "$(cat four)" words
  same "$(p exec c sh -c 'echo /proc/self/fd/*')" '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3' ||
    same "$(p exec c ls /proc/self/fd)" $'0\n1\n2\n3'
}

case_attach() { # short
  p run -di --name c --network none "$img" sh -c 'read line; echo "read $line"; exit 4' > /dev/null
  # (Its exit code podman gives if it is still there to be asked.)
  has "$(p attach c <<< words)" 'read words'
  same "$(p wait c)" 4
}

case_top() { # short
  kept
  has "$(p top c)" 'sleep 1000'
  has "$(p top c pid comm)" 'sleep'
  # By the ps of this machine, on what the runtime calls the container's processes.
  has "$(p top c -ef)" 'sleep 1000'
}

case_stats() { # short
  kept -m 64m
  local out
  out=$(p stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' c)
  has "$out" '^c .*B / 67.* 1$'
}

case_pause() { # short
  kept
  p pause c
  is '{{.State.Status}}' paused
  gives 255 p exec c true
  p unpause c
  is '{{.State.Status}}' running
  p exec c true
  p pause c
  p kill c
  p rm -f -t 0 c
}

case_stop() { # short
  p run -d --name c --network none "$img" sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done' > /dev/null
  eventually has "$(p logs c)" ready
  eventually sh -c "grep -q ready $(state '{{.HostConfig.LogConfig.Path}}')"
  p stop -t 10 c
  is '{{.State.Status}} {{.State.ExitCode}}' 'exited 5'
}

case_stop_by_force() {
  kept
  p stop -t 1 c
  is '{{.State.Status}} {{.State.ExitCode}}' 'exited 137'
}

case_kill() { # short
  p run -d --name c --network none "$img" sh -c 'trap "echo usr1; exit 6" USR1; echo ready; while :; do sleep 0.05; done' > /dev/null
  eventually sh -c "grep -q ready $(state '{{.HostConfig.LogConfig.Path}}')"
  p kill -s USR1 c
  same "$(p wait c)" 6
  gives 125 p kill c
}

case_restart() {
  kept
  local before
  before=$(state '{{.State.Pid}}')
  p restart -t 0 c
  is '{{.State.Status}}' running
  [[ $(state '{{.State.Pid}}') != "$before" ]]
}

case_init_then_start() { # short
  p create --name c --network none "$img" sh -c 'exit 8' > /dev/null
  p init c
  is '{{.State.Status}}' initialized
  p start c
  same "$(p wait c)" 8
  p init c
  p rm c
}

case_rm_by_force() { # short
  kept
  p rm -f -t 0 c
  gives 1 p container exists c
  # One that was never started, too.
  p create --name c --network none "$img" true > /dev/null
  p init c
  p rm -f -t 0 c
}

case_pods() { # short
  p pod create --name pod --network none --share net,uts,ipc > /dev/null
  p run -d --pod pod --name a "$img" sh -c 'hostname; sleep 1000' > /dev/null
  p run -d --pod pod --name b "$img" sleep 1000 > /dev/null
  same "$(p exec a readlink /proc/self/ns/net)" "$(p exec b readlink /proc/self/ns/net)"
  same "$(p exec a readlink /proc/self/ns/uts)" "$(p exec b readlink /proc/self/ns/uts)"
  has "$(p pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}')" '^pod Running 3'
  p pod pause pod > /dev/null
  same "$(state '{{.State.Status}}' a)" paused
  p pod unpause pod > /dev/null
  p pod stop -t 0 pod > /dev/null
  p pod rm -f pod > /dev/null
}

case_health() { # short
  kept --health-cmd 'test -e /tmp/well' --health-retries 1 --health-interval disable
  gives 1 p healthcheck run c
  p exec c touch /tmp/well
  p healthcheck run c
}

case_build() { # short
  printf 'FROM %s\nRUN echo built > /built && test $(id -u) = 0\nUSER someone\nRUN id -u > /tmp/who\nCMD cat /built /tmp/who\n' "$img" > Containerfile
  p build --isolation oci --network none -t localhost/built .
  same "$(once localhost/built)" $'built\n1000'
  p rmi -f localhost/built > /dev/null
}

case_files() {
  kept
  echo words > file
  p cp file c:/tmp/file
  same "$(p exec c cat /tmp/file)" words
  p exec c rm /tmp/file
  p exec c sh -c 'echo more > /srv/made; rm /etc/words'
  has "$(p container diff c)" '^A /srv/made'
  has "$(p container diff c)" '^D /etc/words'
  has "$(p export c | tar -t)" '^srv/made'
  p commit -q c localhost/committed > /dev/null
  same "$(once localhost/committed sh -c 'cat /srv/made; ls /etc/words 2> /dev/null || echo gone')" $'more\ngone'
  p rmi -f localhost/committed > /dev/null
}

case_play_kube() { # short
  cat > pod.yaml << END
apiVersion: v1
kind: Pod
metadata: {name: kube}
spec:
  hostNetwork: true
  restartPolicy: Never
  volumes: [{name: shared, emptyDir: {}}]
  containers:
  - name: one
    image: $img
    command: [sh, -c, 'echo words > /shared/file; sleep 1000']
    env: [{name: A, value: b}]
    volumeMounts: [{name: shared, mountPath: /shared}]
    resources: {limits: {memory: 64Mi}}
    securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
  - name: two
    image: $img
    command: [sleep, '1000']
    volumeMounts: [{name: shared, mountPath: /shared}]
END
  p play kube pod.yaml > /dev/null
  eventually p exec kube-two test -s /shared/file
  same "$(p exec kube-two cat /shared/file)" words
  same "$(p exec kube-one sh -c 'echo $A')" b
  has "$(p exec kube-one cat /proc/self/status)" $'^CapEff:\t0{16}$'
  gives 1 p exec kube-one touch /file
  same "$(p exec kube-one readlink /proc/self/ns/ipc)" "$(p exec kube-two readlink /proc/self/ns/ipc)"
  has "$(p generate kube kube)" 'image: localhost/engines:1'
  p play kube --down pod.yaml > /dev/null
  same "$(p ps -aq)" ''
}

case_told() { # short
  kept
  is '{{.OCIRuntime}}' tested
  same "$(p info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}')" "tested $RUNTIME"
  has "$(p info --format '{{.Host.OCIRuntime.Version}}')" 'version'
  has "$(p generate systemd c)" 'podman.* start c|podman.*start'
}

case_restarted_by_policy() {
  p run -d --name c --network none --restart on-failure:2 "$img" sh -c 'echo run; exit 1' > /dev/null
  eventually sh -c "test \$(grep -c ' run$' $(state '{{.HostConfig.LogConfig.Path}}')) = 3"
}

case_conmon_killed() { # short
  kept
  local conmon container
  conmon=$(state '{{.State.ConmonPid}}') container=$(state '{{.State.Pid}}')
  kill -KILL "$conmon"
  # It is the engine's to say what becomes of it.
  p kill c || true
  eventually test ! -e "/proc/$container"
  p rm -f -t 0 c
  gives 1 p container exists c
  p run -d --rm --name c --network none "$img" sleep 1000 > /dev/null
  kill -KILL "$(state '{{.State.ConmonPid}}')"
  p rm -f -t 0 c
}

case_ready() { # short
  # What a command says to systemd comes to the socket that podman was given.
  /usr/bin/python3 - "$PWD/socket" > said 2>&1 << 'END' &
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
listener.settimeout(30)
said = b""
while b"READY=1" not in said:
    said = listener.recv(4096)
    print(said.decode(), flush=True)
END
  local listener=$!
  eventually test -S socket
  NOTIFY_SOCKET=$PWD/socket p run -d --name c --network none --sdnotify conmon "$img" sleep 1000 > /dev/null
  wait $listener
  has "$(cat said)" "MAINPID=$(state '{{.State.ConmonPid}}')"
  # Or the command says it itself, to one of the container's.
  NOTIFY_SOCKET=$PWD/socket once --sdnotify container "$img" sh -c 'test -S "$NOTIFY_SOCKET"'
}

case_checkpoint_is_refused() {
  kept
  gives 125 p container checkpoint c
}

case_many_at_once() {
  local i pids=() failed=0
  for i in {1..8}; do
    (once "$img" sh -c "exit $i" || exit $?) &
    pids+=($!)
  done
  for i in {1..8}; do
    wait "${pids[i - 1]}" && failed=1 || same $? "$i"
  done
  ((failed == 0))
  same "$(p ps -aq)" ''
}
