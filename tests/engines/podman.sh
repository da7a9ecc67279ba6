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
  p pod rm -fa -t 0 > /dev/null && p rm -fa -t 0 > /dev/null
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

case_run_descriptors() {
  same "$(once --preserve-fds 1 "$img" sh -c 'cat <&3' 3< <(echo three))" three
  same "$(once "$img" ls /proc/self/fd)" $'0\n1\n2\n3'
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
  local infra
  infra=$(cd "$scratch" && pwd)
  p pod create --name pod --network none --infra-image "$img" --infra-command 'sleep 1000' --share net,uts,ipc > /dev/null
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

case_networks() { # short
  same "$(once "$img" ls /sys/class/net)" lo
  has "$(once "$img" ip address show dev lo)" 'inet 127.0.0.1/8'
  same "$(p run --rm --network host "$img" readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
  kept
  same "$(p run --rm --network container:c "$img" readlink /proc/self/ns/net)" "$(p exec c readlink /proc/self/ns/net)"
  # By a plugin that names the interfaces.
  p run --rm "$img" true
}

case_namespaces() {
  same "$(once --pid host "$img" readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
  same "$(once --ipc host "$img" readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
  same "$(once --uts host "$img" readlink /proc/self/ns/uts)" "$(readlink /proc/self/ns/uts)"
  same "$(once --cgroupns host "$img" readlink /proc/self/ns/cgroup)" "$(readlink /proc/self/ns/cgroup)"
  [[ $(once --cgroupns private "$img" readlink /proc/self/ns/cgroup) != "$(readlink /proc/self/ns/cgroup)" ]]
  kept
  same "$(once --pid container:c "$img" readlink /proc/self/ns/pid)" "$(p exec c readlink /proc/self/ns/pid)"
  same "$(once --ipc container:c "$img" readlink /proc/self/ns/ipc)" "$(p exec c readlink /proc/self/ns/ipc)"
}

case_volumes() { # short
  mkdir from
  echo words > from/file
  same "$(once -v "$PWD/from:/to" "$img" sh -c 'cat /to/file; echo more > /to/other')" words
  same "$(cat from/other)" more
  gives 1 once -v "$PWD/from:/to:ro" "$img" touch /to/third
  same "$(once -v "$PWD/from/file:/etc/made:ro" "$img" cat /etc/made)" words
  p volume create v > /dev/null
  once -v v:/to "$img" sh -c 'echo kept > /to/file'
  same "$(once --mount type=volume,src=v,dst=/to,ro=true "$img" cat /to/file)" kept
  p volume rm v > /dev/null
  mkdir -p tree/below
  mount -t tmpfs engines tree/below
  touch tree/below/deep
  same "$(once --mount "type=bind,src=$PWD/tree,dst=/to,bind-propagation=rslave" "$img" ls /to/below)" deep
  has "$(once --mount "type=bind,src=$PWD/tree,dst=/to,bind-propagation=shared" "$img" cat /proc/self/mountinfo)" ' /to .* shared:' || true
  umount tree/below
}

case_tmpfs() { # short
  has "$(once --tmpfs /srv:size=1m,noexec,mode=1770 "$img" mount)" 'on /srv type tmpfs \(rw,.*noexec.*size=1024k'
  # What is there in the image is copied up.
  has "$(once --mount type=tmpfs,dst=/etc "$img" cat /etc/words)" words
  lacks "$(once --mount type=tmpfs,dst=/etc,notmpcopyup "$img" ls /etc)" words
  has "$(once --shm-size 2m "$img" mount)" ' /dev/shm .*size=2048k'
}

case_limits() { # short
  kept -m 64m --memory-reservation 32m --cpu-shares 512 --cpu-period 50000 --cpu-quota 25000 --cpuset-cpus 0 --pids-limit 50 \
    --memory-swappiness 10
  in_cgroup memory memory.limit_in_bytes 67108864
  in_cgroup memory memory.soft_limit_in_bytes 33554432
  in_cgroup memory memory.swappiness 10
  in_cgroup cpu cpu.shares 512
  in_cgroup cpu cpu.cfs_period_us 50000
  in_cgroup cpu cpu.cfs_quota_us 25000
  in_cgroup cpuset cpuset.cpus 0
  in_cgroup pids pids.max 50
  # By processes: what is over the limit of 50 is told so.
  has "$(p exec c sh -c 'for i in $(seq 60); do sleep 5 & done; wait' 2>&1)" "can't fork"
}

# in_cgroup CONTROLLER FILE VALUE: of the container c, on v1.
in_cgroup() {
  same "$(cat "/sys/fs/cgroup/$1$(sed -n "s/^[0-9]*:$1://p" "/proc/$(state '{{.State.Pid}}')/cgroup")/$2")" "$3"
}

case_block_io() {
  local device
  device=$(lsblk -dno PATH 2> /dev/null | head -1)
  [[ -b $device ]] || skip "there is no block device"
  kept --device-read-bps "$device:1mb" --device-write-iops "$device:100"
  has "$(cat "/sys/fs/cgroup/blkio$(sed -n 's/^[0-9]*:blkio://p' "/proc/$(state '{{.State.Pid}}')/cgroup")/blkio.throttle.read_bps_device")" ' 1048576$'
}

case_out_of_memory() {
  p run --name c --network none -m 16m --memory-swap 16m "$img" sh -c 'head -c 100m /dev/zero | tail' || true
  gives 137 once -m 16m --memory-swap 16m "$img" tail /dev/zero
}

case_read_only() { # short
  gives 1 once --read-only "$img" touch /file
  has "$out" 'Read-only file system'
  once --read-only "$img" touch /tmp/file /run/file
  gives 1 once --read-only --read-only-tmpfs=false "$img" touch /tmp/file
}

case_init() { # short
  kept --init
  has "$(p exec c cat /proc/1/comm)" '^(podman-init|catatonit)'
  p stop -t 10 c
  is '{{.State.ExitCode}}' 143
}

case_user_namespace() { # short
  # With the store that has copies: overlays in a user namespace are another matter.
  p() {
    podman --root "$scratch/podman/copies" --runroot "$scratch/podman/run-copies" --tmpdir "$scratch/podman/tmp-copies" \
      --storage-driver vfs --cgroup-manager cgroupfs "$@"
  }
  trap 'p rm -fa -t 0' EXIT
  p load -q -i "$tar"
  local map='0 *100000 *65536'
  has "$(once --uidmap 0:100000:65536 "$img" cat /proc/self/uid_map)" "^ *$map"
  same "$(once --uidmap 0:100000:65536 --gidmap 0:200000:1000 "$img" id -u)" 0
  kept --uidmap 0:100000:1000 --uidmap 1000:300000:1 --gidmap 0:100000:65536
  same "$(stat -c %u "/proc/$(state '{{.State.Pid}}')")" 100000
  same "$(p exec -u 1000 c sh -c 'id -u; sed "s/  */ /g" /proc/self/uid_map')" $'1000\n 0 100000 1000\n 1000 300000 1'
  same "$(p exec c stat -c %u /proc/1 /tmp)" $'0\n0'
  once --userns=host "$img" true
}

case_capabilities() {
  has "$(once --cap-drop all "$img" cat /proc/self/status)" $'^CapEff:\t0{16}$'
  has "$(once --cap-drop all --cap-add net_admin "$img" cat /proc/self/status)" $'^CapEff:\t0{12}1000$'
  has "$(once --cap-drop all --cap-add net_admin -u someone "$img" cat /proc/self/status)" $'^CapEff:\t0{12}1000$'
  has "$(once --security-opt no-new-privileges "$img" cat /proc/self/status)" $'^NoNewPrivs:\t1'
  has "$(once "$img" cat /proc/self/status)" $'^NoNewPrivs:\t0'
  has "$(once --privileged "$img" cat /proc/self/status)" $'^Seccomp:\t0'
}

case_process() {
  same "$(once --umask 0077 "$img" sh -c umask)" 0077
  same "$(once --ulimit nofile=100:200 --ulimit nproc=1024:1024 "$img" sh -c 'ulimit -n; ulimit -Hn')" $'100\n200'
  same "$(once --oom-score-adj 100 "$img" cat /proc/self/oom_score_adj)" 100
  has "$(once --group-add 5000 --group-add more "$img" id)" '2000\(more\).*5000|5000.*2000\(more\)'
  same "$(once --entrypoint '["echo","a b"]' "$img" c)" 'a b c'
}

case_seccomp() { # short
  echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' > profile.json
  gives 1 once --security-opt "seccomp=$PWD/profile.json" "$img" mkdir /made
  has "$out" 'not supported'
  once --security-opt seccomp=unconfined "$img" mkdir /made
  has "$(once "$img" cat /proc/self/status)" $'^Seccomp:\t2'
  has "$(once --security-opt seccomp=unconfined "$img" cat /proc/self/status)" $'^Seccomp:\t0'
  kept --security-opt "seccomp=$PWD/profile.json"
  gives 1 p exec c mkdir /made
}

case_sysctl() { # short
  same "$(once --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=1234 "$img" cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax)" $'1\n1234'
}

case_devices() { # short
  same "$(once --device /dev/full:/dev/mine:rw "$img" stat -c '%F %t:%T' /dev/mine)" 'character special file 1:7'
  once --device /dev/fuse:/dev/mine:r "$img" sh -c ': < /dev/mine'
  gives 1 once --device /dev/fuse:/dev/mine:r "$img" sh -c ': > /dev/mine'
  # What no rule allows cannot be opened.
  gives 1 once --cap-add mknod "$img" sh -c 'mknod /k c 1 11 && cat /k'
  once --cap-add mknod --device-cgroup-rule 'c 1:7 rwm' "$img" sh -c 'mknod /f c 1 7 && head -c 1 /f'
  once --privileged "$img" test -c /dev/full
  same "$(once "$img" stat -c %a /dev/null)" 666
}

case_masked() {
  gives 1 once "$img" sh -c 'echo 1 > /proc/sys/kernel/domainname'
  same "$(once "$img" cat /proc/timer_list)" ''
  has "$(once --security-opt unmask=ALL "$img" cat /proc/timer_list)" cpu
  same "$(once --security-opt mask=/etc/words "$img" cat /etc/words)" ''
}

case_hooks_directory() { # short
  cat > hook << END
#!/bin/sh
cat > "$PWD/\$1"
END
  chmod +x hook
  for stage in prestart createRuntime createContainer startContainer poststart poststop; do
    # What is run in the container has its root.
    if [[ $stage == startContainer ]]; then
      program=/bin/busybox arguments='["touch","/started"]'
    else
      program=$PWD/hook arguments='["hook","'$stage'"]'
    fi
    cat > "$scratch/podman/hooks/$stage.json" << END
{"version":"1.0.0","hook":{"path":"$program","args":$arguments},"when":{"always":true},"stages":["$stage"]}
END
  done
  once --name c --annotation a=b "$img" test -e /started
  has "$(cat prestart)" '"status": *"creat(ing|ed)"'
  has "$(cat createRuntime)" '"pid": *[0-9]+'
  has "$(cat createContainer)" '"pid": *[0-9]+'
  # (runc 1.1 says created.)
  has "$(cat poststart)" '"status": *"(running|stopped|created)"'
  has "$(cat poststop)" '"status": *"stopped"'
  has "$(cat createRuntime)" '"a": *"b"'
  echo '#!/bin/sh
exit 1' > hook
  gives 126 once "$img" true
}

case_update() { # short
  kept -m 64m
  if ! p update --help > /dev/null 2>&1; then
    skip "this podman has no update"
  fi
  p update --memory 128m --memory-swap 256m --cpu-shares 300 --pids-limit 20 c 2> err || p update --memory 128m --memory-swap 256m --cpu-shares 300 c
  in_cgroup memory memory.limit_in_bytes 134217728
  in_cgroup cpu cpu.shares 300
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

case_no_cgroups() {
  [[ $RUNTIME != */runc ]] || skip "podman does not ask this of runc"
  p run --rm --network none --cgroups disabled "$img" true
}

case_files() {
  kept
  echo words > file
  p cp file c:/tmp/file
  same "$(p exec c cat /tmp/file)" words
  p exec c rm /tmp/file
  has "$(p diff c)" '/tmp' || true
  p commit -q c localhost/committed > /dev/null
  p rmi -f localhost/committed > /dev/null
}

case_rootfs() {
  cp -a "$scratch/image/root" root
  same "$(p run --rm --network none --rootfs "$PWD/root" /bin/sh -c 'echo in $(ls -d /etc/words)')" 'in /etc/words'
}

case_privileged() {
  once --privileged "$img" sh -c 'mount -t tmpfs none /srv && touch /srv/file'
  once --privileged "$img" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
}

case_idmapped_volume() {
  [[ $RUNTIME != */runc ]] || skip "runc 1.1 does not know idmapped mounts"
  mkdir from
  touch from/file
  chown 0:0 from/file
  p run --rm --network none --uidmap 0:100000:65536 -v "$PWD/from:/to:idmap" "$img" stat -c %u /to/file > seen
  same "$(cat seen)" 0
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
