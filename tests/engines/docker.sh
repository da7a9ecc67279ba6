# dockerd with its own containerd: shellcheck shell=bash

engine_begins() {
  local directory=$scratch/docker
  mkdir -p "$directory"
  echo "{}" > "$directory/daemon.json"
  # docker has runc as a name of its own, and its `docker build` takes the default runtime.
  dockerd --data-root "$directory/data" --exec-root "$directory/exec" --pidfile "$directory/pid" --host "unix://$directory/socket" \
    --iptables=false --ip6tables=false --bridge=none --add-runtime "tested=$RUNTIME" --default-runtime tested \
    --config-file "$directory/daemon.json" --shutdown-timeout 5 --cgroup-parent /docker > "$scratch/logs/docker.daemon" 2>&1 &
  daemon=$!
  eventually d info || eventually d info || { cat "$scratch/logs/docker.daemon" && return 1; }
  d load -i "$tar"
}

d() {
  timeout --foreground -k 5 60 /usr/bin/docker --host "unix://$scratch/docker/socket" "$@"
}

engine_tidies() {
  local all
  all=$(d ps -aq)
  # shellcheck disable=SC2086
  [[ ! $all ]] || d rm -f $all > /dev/null
}

engine_ends() {
  kill "$daemon"
  wait "$daemon"
}

once() {
  d run --rm --network none --init=false "$@"
}

kept() {
  d run -d --name cc --network none "$@" "$img" sleep 1000 > /dev/null
}

state() {
  d inspect --format "$1" "${2:-cc}"
}

in_cgroup() {
  limited "$1" "/docker/$(state '{{.Id}}')" "$2" "$3"
}

case_runtime() { # short
  same "$(d info --format '{{.DefaultRuntime}}')" tested
  kept
  same "$(state '{{.HostConfig.Runtime}}')" tested
}

case_run() { # short
  same "$(once -w /tmp -e A=b -u someone -h there "$img" sh -c 'pwd; echo $A $FROM_IMAGE; id -u; hostname')" $'/tmp\nb yes\n1000\nthere'
  gives 7 once "$img" sh -c 'exit 7'
  same "$(echo words | once -i "$img" cat)" words
  gives 127 once "$img" no-such-command
  has "$out" 'executable file not found in \$PATH'
  gives 127 once "$img" /no/such/file
  has "$out" 'no such file or directory'
  gives 126 once "$img" /etc/words
  has "$out" 'permission denied'
}

case_detached() { # short
  d run -d --name cc --network none "$img" sh -c 'echo out; echo err >&2; exit 3' > /dev/null
  same "$(d wait cc)" 3
  same "$(d logs cc 2> /dev/null)" out
  same "$(d logs cc 2>&1 > /dev/null)" err
}

case_terminal() { # short
  has "$(with_terminal /usr/bin/docker --host "unix://$scratch/docker/socket" run --rm -ti --network none "$img" \
    sh -c 'tty; sleep 0.3; echo is $(stty size)')" '/dev/pts/0'
}

case_exec() { # short
  kept -e IN_RUN=1
  gives 9 d exec cc sh -c 'exit 9'
  same "$(d exec -w /tmp -e A=b -u someone cc sh -c 'pwd; echo $A $IN_RUN; id -u')" $'/tmp\nb 1\n1000'
  same "$(echo words | d exec -i cc cat)" words
  d exec -d cc sh -c 'echo done > /tmp/done; sleep 1000'
  eventually d exec cc test -s /tmp/done
  # (docker 20.10 has one exit code for all that an exec cannot start.)
  gives 126 d exec cc no-such-command
  has "$out" 'executable file not found in \$PATH'
  gives 126 d exec cc /no/such/file
  gives 126 d exec cc /etc/words
  has "$(d exec -t cc tty)" '^/dev/pts/'
}

case_attach() {
  d run -di --name cc --network none "$img" sh -c 'read line; echo "read $line"; exit 4' > /dev/null
  # (What comes last an attach may miss, and the log does not.)
  gives 4 d attach cc <<< words
  same "$(d logs cc)" 'read words'
}

case_top() { # short
  kept
  has "$(d top cc)" 'sleep 1000'
  has "$(d top cc -o pid,comm)" sleep
}

case_stats() { # short
  kept -m 64m
  has "$(d stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' cc)" '^cc .*B / 64MiB 1$'
}

case_update() { # short
  kept -m 64m --memory-swap 64m
  d update -m 128m --memory-swap 256m --cpu-shares 300 --pids-limit 20 --cpu-quota 30000 cc
  in_cgroup memory memory.limit_in_bytes 134217728
  in_cgroup memory memory.memsw.limit_in_bytes 268435456
  in_cgroup cpu cpu.shares 300
  in_cgroup cpu cpu.cfs_quota_us 30000
  in_cgroup pids pids.max 20
}

case_pause() { # short
  kept
  d pause cc
  same "$(state '{{.State.Status}}')" paused
  gives 1 d exec cc true
  d unpause cc
  d exec cc true
  d pause cc
  d rm -f cc
}

case_stop() {
  d run -d --name cc --network none "$img" sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done' > /dev/null
  eventually sh -c "grep -q ready $(state '{{.LogPath}}')"
  d stop -t 10 cc
  same "$(state '{{.State.ExitCode}}')" 5
  d start cc
  d kill cc
  same "$(d wait cc)" 137
}

case_restart() { # short
  kept
  local before
  before=$(state '{{.State.Pid}}')
  d restart -t 0 cc
  same "$(state '{{.State.Status}}')" running
  [[ $(state '{{.State.Pid}}') != "$before" ]]
}

case_restarted_by_policy() {
  d run -d --name cc --network none --restart on-failure:2 "$img" sh -c 'exit 1' > /dev/null
  eventually sh -c "$(declare -f d); scratch=$scratch; test \"\$(d inspect --format '{{.RestartCount}} {{.State.Status}}' cc)\" = '2 exited'"
}

case_build() { # short
  printf 'FROM %s\nRUN echo built > /built && test $(id -u) = 0\nUSER someone\nRUN id -u > /tmp/who\nCMD cat /built /tmp/who\n' "$img" > Dockerfile
  DOCKER_BUILDKIT=0 d build --network none -t built .
  same "$(once built)" $'built\n1000'
  d rmi -f built > /dev/null
}

case_health() { # short
  kept --health-cmd 'test -e /tmp/well' --health-interval 1s --health-retries 1
  eventually has_state unhealthy
  d exec cc touch /tmp/well
  eventually has_state healthy
}

has_state() {
  same "$(state '{{.State.Health.Status}}')" "$1"
}

case_cp() { # short
  kept
  echo words > file
  d cp file cc:/tmp/file
  same "$(d exec cc cat /tmp/file)" words
  d exec cc sh -c 'echo more > /tmp/other'
  d cp cc:/tmp/other other
  same "$(cat other)" more
}

case_volumes() {
  mkdir from
  echo words > from/file
  same "$(once -v "$PWD/from:/to" "$img" sh -c 'cat /to/file; echo more > /to/other')" words
  gives 1 once -v "$PWD/from:/to:ro" "$img" touch /to/third
  once --tmpfs /srv:size=1m "$img" touch /srv/file
  same "$(once -v v:/home/someone "$img" sh -c 'echo kept > /home/someone/file; cat /home/someone/file')" kept
  once --read-only "$img" sh -c '! touch /file'
}

case_limits() {
  kept -m 64m --memory-reservation 32m --cpu-shares 512 --cpus 0.5 --cpuset-cpus 0 --pids-limit 50 --blkio-weight 0
  in_cgroup memory memory.limit_in_bytes 67108864
  in_cgroup memory memory.soft_limit_in_bytes 33554432
  in_cgroup cpu cpu.shares 512
  in_cgroup cpu cpu.cfs_quota_us 50000
  in_cgroup cpuset cpuset.cpus 0
  in_cgroup pids pids.max 50
  gives 137 once -m 16m --memory-swap 16m "$img" tail /dev/zero
}

case_security() {
  has "$(once --cap-drop all --cap-add net_admin "$img" cat /proc/self/status)" $'^CapEff:\t0{12}1000$'
  has "$(once --security-opt no-new-privileges "$img" cat /proc/self/status)" $'^NoNewPrivs:\t1'
  has "$(once "$img" cat /proc/self/status)" $'^Seccomp:\t2'
  echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' > profile.json
  gives 1 once --security-opt "seccomp=$PWD/profile.json" "$img" mkdir /made
  has "$out" 'not supported'
  # (docker's --privileged asks for capabilities that this machine may not have, and runc, too, refuses that.)
  if [[ $(sed -n 's/^CapBnd:\t//p' /proc/self/status) == "$(printf %016x $(((2 << $(< /proc/sys/kernel/cap_last_cap)) - 1)))" ]]; then
    once --privileged "$img" sh -c 'mount -t tmpfs none /srv && touch /srv/file'
  fi
  has "$(once --cap-drop all --cap-add sys_admin --security-opt seccomp=unconfined --security-opt apparmor=unconfined "$img" \
    sh -c 'mount -t tmpfs none /srv && grep -E "^(Seccomp|CapEff)" /proc/self/status')" $'^Seccomp:\t0'
  same "$(once --security-opt systempaths=unconfined "$img" sh -c 'mount | grep -c " on /proc/"')" 0
  same "$(once --sysctl kernel.msgmax=1234 "$img" cat /proc/sys/kernel/msgmax)" 1234
  same "$(once --ulimit nofile=100:200 "$img" sh -c 'ulimit -n; ulimit -Hn')" $'100\n200'
  same "$(once --oom-score-adj 100 "$img" cat /proc/self/oom_score_adj)" 100
}

case_cgroup_parent() {
  kept --cgroup-parent /engines/parent
  has "$(cat "/proc/$(state '{{.State.Pid}}')/cgroup")" ":/engines/parent/$(state '{{.Id}}')$"
  has "$(d top cc)" 'sleep 1000'
}

case_devices() {
  same "$(once --device /dev/full:/dev/mine:rw "$img" stat -c '%F %t:%T' /dev/mine)" 'character special file 1:7'
  once --device /dev/fuse:/dev/mine:r "$img" sh -c ': < /dev/mine'
  gives 1 once --device /dev/fuse:/dev/mine:r "$img" sh -c ': > /dev/mine'
  gives 1 once "$img" sh -c 'mknod /f c 10 229 && : < /f'
  once --device-cgroup-rule 'c 10:229 r' "$img" sh -c 'mknod /f c 10 229 && : < /f'
}

case_namespaces() { # short
  same "$(d run --rm --network host "$img" readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
  kept
  same "$(d run --rm --network container:cc "$img" readlink /proc/self/ns/net)" "$(d exec cc readlink /proc/self/ns/net)"
  same "$(once --pid container:cc "$img" readlink /proc/self/ns/pid)" "$(d exec cc readlink /proc/self/ns/pid)"
  local kind
  for kind in pid ipc uts; do
    same "$(once "--$kind" host "$img" readlink /proc/self/ns/$kind)" "$(readlink /proc/self/ns/$kind)"
  done
  same "$(once --cgroupns host "$img" readlink /proc/self/ns/cgroup)" "$(readlink /proc/self/ns/cgroup)"
  same "$(once --cgroupns private "$img" sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u')" /
  d rm -f cc > /dev/null
  kept --ipc shareable
  same "$(once --ipc container:cc "$img" readlink /proc/self/ns/ipc)" "$(d exec cc readlink /proc/self/ns/ipc)"
  same "$(once "$img" ls /sys/class/net)" lo
}

case_init() {
  kept --init
  has "$(d exec cc cat /proc/1/comm)" '^docker-init|^tini'
  d stop -t 10 cc
  same "$(state '{{.State.ExitCode}}')" 143
}

case_many_at_once() {
  local i pids=()
  for i in {1..8}; do
    (once "$img" sh -c "exit $i") &
    pids+=($!)
  done
  for i in {1..8}; do
    wait "${pids[i - 1]}" && return 1 || same $? "$i"
  done
}
