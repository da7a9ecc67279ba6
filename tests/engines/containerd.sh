# containerd with its shim for runc, driven by ctr: shellcheck shell=bash

engine_begins() {
  mkdir -p "$scratch/containerd"
  begin_containerd containerd ''
  c images import "$tar"
}

# begin_containerd NAME CRI: a daemon in a directory of that name. Sets `daemon` to its pid.
begin_containerd() {
  local directory=$scratch/$1
  mkdir -p "$directory"
  cat > "$directory/config.toml" << END
version = 2
root = "$directory/root"
state = "$directory/state"
${2:+#}disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$directory/socket"
[ttrpc]
  address = "$directory/socket.ttrpc"
$2
END
  containerd --config "$directory/config.toml" > "$scratch/logs/$1.daemon" 2>&1 &
  daemon=$!
  eventually ctr --address "$directory/socket" version
}

c() {
  timeout --foreground -k 5 60 ctr --address "$scratch/containerd/socket" --namespace engines "$@"
}

engine_tidies() {
  local id
  for id in $(c tasks ls -q); do
    c tasks kill -s KILL -a "$id" 2> /dev/null || true
    eventually ended "$id"
    c tasks rm -f "$id" > /dev/null 2>&1 || true
  done
  for id in $(c containers ls -q); do
    c containers rm "$id"
  done
  for id in $(c snapshots ls | sed '1d;/^sha256:/d;s/ .*//'); do
    c snapshots rm "$id"
  done
}

engine_ends() {
  kill "$daemon"
  wait "$daemon"
}

# task ID: its line.
task() {
  c tasks ls | grep -E "^$1 "
}

ended() {
  ! c tasks ls | grep -E "^$1 .*(RUNNING|PAUSED|PAUSING)"
}

pid_of() {
  task "$1" | awk '{print $2}'
}

run() {
  c run --runc-binary "$RUNTIME" --cgroup "/engines/${id:=one}" "$@"
}

once() {
  run --rm "$@"
}

# kept OPTION...: one that sleeps, called `one`.
kept() {
  run -d "$@" "$img" one sleep 1000
}

in_cgroup() {
  limited "$1" /engines/one "$2" "$3"
}

case_run() { # short
  same "$(once "$img" one sh -c 'echo $FROM_IMAGE; pwd; id -u')" $'yes\n/\n0'
  gives 7 once "$img" one sh -c 'exit 7'
  same "$(once --env A=b --cwd /tmp "$img" one sh -c 'echo $A; pwd')" $'b\n/tmp'
  gives 1 once "$img" one no-such-command
  has "$out" 'executable file not found in \$PATH|no such file'
}

case_terminal() { # short
  has "$(with_terminal timeout 60 ctr --address "$scratch/containerd/socket" --namespace engines run --rm -t \
    --runc-binary "$RUNTIME" "$img" one sh -c 'tty; echo is $(stty size)')" '/dev/(pts/0|console)'
}

case_terminal_detached() {
  # (ctr asks for a terminal of its own here, too.)
  with_terminal timeout 60 ctr --address "$scratch/containerd/socket" --namespace engines run -d -t --runc-binary "$RUNTIME" \
    --cgroup /engines/one "$img" one sleep 1000
  has "$(c tasks exec --exec-id e one readlink /proc/1/fd/0)" '^/dev/(pts/0|console)$'
  c tasks kill -s KILL one
  eventually ended one
}

case_detached() { # short
  kept
  has "$(task one)" RUNNING
  c tasks kill -s KILL one
  eventually ended one
  has "$(c tasks rm one 2>&1)" 'exit code 137'
}

case_exec() { # short
  kept
  same "$(c tasks exec --exec-id e1 one sh -c 'id -u; echo $FROM_IMAGE')" $'0\nyes'
  gives 9 c tasks exec --exec-id e2 one sh -c 'exit 9'
  same "$(c tasks exec --exec-id e3 --cwd /tmp --user 1000:2000 one sh -c 'pwd; id -u; id -g')" $'/tmp\n1000\n2000'
  gives 1 c tasks exec --exec-id e4 one no-such-command
  has "$out" 'executable file not found in \$PATH|no such file'
  c tasks exec -d --exec-id e5 one sh -c 'echo done > /tmp/done; sleep 1000'
  eventually c tasks exec --exec-id e6 one test -s /tmp/done
  has "$(with_terminal timeout 60 ctr --address "$scratch/containerd/socket" --namespace engines tasks exec -t --exec-id e7 one \
    sh -c 'tty; echo is $(stty size)')" '/dev/pts/'
}

case_processes() { # short
  kept
  c tasks exec -d --exec-id e one sleep 500
  same "$(c tasks ps one | sed 1d | wc -l)" 2
  has "$(c tasks ps one)" "^$(pid_of one) "
}

case_pause() { # short
  kept
  c tasks pause one
  has "$(task one)" PAUSED
  c tasks resume one
  has "$(task one)" RUNNING
  c tasks exec --exec-id e one true
}

case_metrics() { # short
  [[ -d /sys/fs/cgroup/memory ]] || skip "the figures' names are those of cgroup v1"
  # Read by the shim from the cgroup: the container is exactly where the specification says, in every hierarchy.
  kept --memory-limit 67108864
  local out
  out=$(c tasks metrics one)
  has "$out" '^memory.usage_in_bytes +[1-9]'
  has "$out" '^memory.limit_in_bytes +67108864'
  has "$out" '^pids.current +1'
  has "$out" '^cpuacct.usage +[1-9]'
  local hierarchy
  for hierarchy in $(findmnt -rn -o TARGET -t cgroup | grep -v /systemd); do
    same "$(cat "$hierarchy/engines/one/cgroup.procs")" "$(pid_of one)"
  done
}

case_kill_all() { # short
  run -d "$img" one sh -c 'sleep 1000 & sleep 1000 & wait'
  eventually sh -c "test \$(wc -l < $(of pids)/engines/one/cgroup.procs) = 3"
  c tasks kill -a -s KILL one
  eventually ended one
  same "$(cat "$(of pids)/engines/one/cgroup.procs")" ''
  c tasks rm one || true
}

case_kill_all_of_the_hosts_pids() {
  # No namespace ends them.
  run -d --with-ns "pid:/proc/$$/ns/pid" "$img" one sh -c 'sleep 1000 & sleep 1000 & wait'
  eventually sh -c "test \$(wc -l < $(of pids)/engines/one/cgroup.procs) = 3"
  c tasks kill -a -s KILL one
  eventually ended one
  eventually test ! -s "$(of pids)/engines/one/cgroup.procs"
  c tasks rm one || true
}

case_signal() { # short
  run -d "$img" one sh -c 'trap "exit 6" USR1; touch /tmp/ready; while :; do sleep 0.05; done'
  eventually c tasks exec --exec-id e$RANDOM one test -e /tmp/ready
  c tasks kill -s USR1 one
  eventually ended one
  has "$(c tasks rm one 2>&1)" 'exit code 6'
}

case_user_namespace() { # short
  id=mapped
  same "$(once --uidmap 0:100000:65536 --gidmap 0:100000:65536 "$img" one sh -c 'id -u; sed "s/  */ /g" /proc/self/uid_map')" \
    $'0\n 0 100000 65536'
}

case_limits() { # short
  kept --memory-limit 67108864 --cpus 0.5 --cpu-shares 300
  in_cgroup memory memory.limit_in_bytes 67108864
  in_cgroup cpu cpu.cfs_quota_us 50000
  in_cgroup cpu cpu.shares 300
}

case_mounts() { # short
  mkdir from
  echo words > from/file
  same "$(once --mount "type=bind,src=$PWD/from,dst=/to,options=rbind:ro" "$img" one cat /to/file)" words
  gives 1 once --mount "type=bind,src=$PWD/from,dst=/to,options=rbind:ro" "$img" one touch /to/other
  gives 1 once --read-only "$img" one touch /file
  once --mount type=tmpfs,src=tmpfs,dst=/srv,options=size=1m "$img" one touch /srv/file
}

case_security() {
  has "$(once --seccomp "$img" one cat /proc/self/status)" $'^Seccomp:\t2'
  has "$(once "$img" one cat /proc/self/status)" $'^NoNewPrivs:\t1'
  has "$(once --privileged "$img" one cat /proc/self/status)" $'^Seccomp:\t0'
  once --privileged "$img" one sh -c 'mount -t tmpfs none /srv'
  has "$(once --cap-add CAP_SYS_ADMIN --allow-new-privs "$img" one cat /proc/self/status)" $'^NoNewPrivs:\t0'
  same "$(once --device /dev/full "$img" one test -c /dev/full && echo there)" there
}

case_host_network() {
  same "$(once --net-host "$img" one readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
}

case_namespaces() {
  kept
  local kind file
  for kind in network:net ipc:ipc uts:uts pid:pid; do
    file=/proc/self/ns/${kind#*:}
    same "$(id=two run --rm --with-ns "${kind%:*}:/proc/$(pid_of one)/ns/${kind#*:}" "$img" two readlink "$file")" \
      "$(c tasks exec --exec-id "e${kind#*:}" one readlink "$file")"
  done
}

case_rootfs() {
  cp -a "$scratch/image/root" root
  same "$(once --rootfs "$PWD/root" one sh -c 'touch /made; echo in $(ls -d /etc/words)')" 'in /etc/words'
  test -e root/made
}

case_systemd_is_refused() {
  # (There is none in the /run of these tests.)
  gives 1 c run --rm --runc-binary "$RUNTIME" --runc-systemd-cgroup --cgroup system.slice:engines:one "$img" one true
  has "$out" 'systemd not running on this host, cannot use systemd cgroups manager'
}

case_config_file() { # short
  mkdir -p root
  jq -n --arg root "$scratch/image/root" '{ociVersion: "1.0.2", process: {args: ["sh", "-c", "echo words; exit 5"], cwd: "/",
    env: ["PATH=/bin"], user: {uid: 0, gid: 0}}, root: {path: $root, readonly: true}, linux: {cgroupsPath: "/engines/one",
    namespaces: [{type: "mount"}, {type: "pid"}]}, mounts: [{destination: "/proc", type: "proc", source: "proc"}]}' > config.json
  gives 5 c run --rm --runc-binary "$RUNTIME" --config config.json one
  has "$out" words
}

case_shim_killed() { # short
  kept
  local shim container
  container=$(pid_of one)
  shim=$(awk '/^PPid/{print $2}' "/proc/$container/status")
  has "$(cat "/proc/$shim/comm")" containerd-shim
  kill -KILL "$shim"
  # containerd asks for `delete --force`.
  eventually test ! -e "/proc/$container"
  eventually test ! -d "$(of pids)/engines/one"
  eventually ended one
}

case_many_at_once() {
  local i pids=()
  for i in {1..8}; do
    (timeout 60 ctr --address "$scratch/containerd/socket" --namespace engines run --rm --runc-binary "$RUNTIME" "$img" "many$i" \
      sh -c "exit $i") &
    pids+=($!)
  done
  for i in {1..8}; do
    wait "${pids[i - 1]}" && return 1 || same $? "$i"
  done
}
