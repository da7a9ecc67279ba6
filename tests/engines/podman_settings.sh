# podman, as root: what its options ask for, as it is in the container: shellcheck shell=bash
. "$HERE/podman.sh"

case_run_descriptors() {
  same "$(once --preserve-fds 1 "$img" sh -c 'cat <&3' 3< <(echo three))" three
  same "$(once "$img" ls /proc/self/fd)" $'0\n1\n2\n3'
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
  same "$(once --uts container:c "$img" hostname)" "$(p exec c hostname)"
  same "$(once --ipc none "$img" sh -c 'mount | grep -c " on /dev/shm "')" 0
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

# in_cgroup CONTROLLER FILE VALUE: of the container c.
in_cgroup() {
  limited "$1" "$(cgroup_of "$(state '{{.State.Pid}}')" "$1")" "$2" "$3"
}

case_block_io() {
  local device
  device=$(lsblk -dno PATH 2> /dev/null | head -1)
  [[ -b $device ]] || skip "there is no block device"
  kept --device-read-bps "$device:1mb" --device-write-iops "$device:100"
  has "$(cat "$(of blkio)$(cgroup_of "$(state '{{.State.Pid}}')" blkio)"/{blkio.throttle.read_bps_device,io.max} 2> /dev/null)" \
    ' (rbps=)?1048576( |$)'
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
  trap 'eventually p rm -fa -t 0' EXIT
  # (With --rm two of podman's processes remove it, and with this store it happens that one fails.)
  once() {
    p run --network none "$@"
  }
  p load -q -i "$tar"
  local map='0 *100000 *65536'
  has "$(once --uidmap 0:100000:65536 "$img" cat /proc/self/uid_map)" "^ *$map"
  same "$(once --uidmap 0:100000:65536 --gidmap 0:200000:1000 "$img" id -u)" 0
  kept --uidmap 0:100000:1000 --uidmap 1000:300000:1 --gidmap 0:100000:65536
  same "$(stat -c %u "/proc/$(state '{{.State.Pid}}')")" 100000
  same "$(p exec -u 1000 c sh -c 'id -u; sed "s/  */ /g" /proc/self/uid_map')" $'1000\n 0 100000 1000\n 1000 300000 1'
  same "$(p exec c stat -c %u /proc/1 /tmp)" $'0\n0'
  once --userns=host "$img" true
  p rm -f -t 0 c > /dev/null
  # Ids that podman chooses, from those of the user `containers`.
  echo containers:400000:100000 | tee -a /etc/subuid >> /etc/subgid
  kept --userns auto:size=2000
  has "$(p exec c sed 's/  */ /g' /proc/self/uid_map)" '^ 0 400000 2000$'
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
  once --security-opt apparmor=unconfined --security-opt label=disable "$img" true
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

case_no_cgroups() {
  [[ $RUNTIME != */runc ]] || skip "podman does not ask this of runc"
  p run --rm --network none --cgroups disabled "$img" true
}

case_cgroups() { # short
  kept --cgroupns private
  same "$(p exec c sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u')" /
  p rm -f -t 0 c > /dev/null
  kept --cgroupns host
  has "$(p exec c cat /proc/self/cgroup)" ':/libpod_parent/libpod-'
  p rm -f -t 0 c > /dev/null
  kept --cgroup-parent /engines/parent
  has "$(cat "/proc/$(state '{{.State.Pid}}')/cgroup")" ':/engines/parent/libpod-'
  p rm -f -t 0 c > /dev/null
  once --cgroups no-conmon "$img" true
}

case_systemd() {
  # What podman mounts for a systemd, and the signal that stops one.
  kept --systemd always
  local mounts
  mounts=$(p exec c mount)
  for place in /run /run/lock /tmp /var/log/journal; do
    has "$mounts" " on $place type tmpfs"
  done
  has "$mounts" " on $(of systemd) "
  p exec c mkdir "$(of systemd)/inner"
  p exec c rmdir "$(of systemd)/inner"
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
