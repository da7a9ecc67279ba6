# podman as an ordinary user who has ids in /etc/subuid: shellcheck shell=bash

engine_begins() {
  user=engines-user
  useradd --user-group --create-home --home-dir "$scratch/user" --shell /bin/bash $user
  # (useradd gives ranges where it is configured so.)
  sed -i "/^$user:/d" /etc/subuid /etc/subgid
  echo "$user:2000000:65536" | tee -a /etc/subuid >> /etc/subgid
  mkdir -p /run/user
  install -d -m 700 -o $user -g $user "/run/user/$(id -u $user)" "$scratch/user/tmp"
  install -d -m 755 /etc/containers
  cat > /etc/containers/containers.conf << END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
init_path = "/usr/bin/tini-static"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "tested"
infra_image = "localhost/pause:1"
# podman asks by the name that it knows a runtime by.
runtime_supports_json = ["tested"]
runtime_supports_nocgroup = ["tested"]
[engine.runtimes]
tested = ["$RUNTIME"]
END
  p load -i "$tar"
}

# as_user COMMAND...
as_user() {
  local home=$scratch/user id
  id=$(id -u engines-user)
  setpriv --reuid=engines-user --regid=engines-user --init-groups --inh-caps=-all env -i HOME="$home" USER=engines-user \
    LOGNAME=engines-user SHELL=/bin/bash XDG_RUNTIME_DIR="/run/user/$id" PATH="$PATH" TMPDIR="$home/tmp" \
    bash -c 'cd && exec "$@"' - "$@"
}

p() {
  as_user timeout --foreground -k 5 60 podman --cgroup-manager cgroupfs "$@"
}

engine_tidies() {
  eventually p pod rm -fa -t 0 && eventually p rm -fa -t 0
}

engine_ends() {
  p system prune -f
  as_user podman system migrate
}

once() {
  p run --rm --network none "$@"
}

kept() {
  p run -d --name c --network none "$@" "$img" sleep 1000 > /dev/null
}

state() {
  p inspect --format "$1" "${2:-c}"
}

case_run() { # short
  same "$(once -w /tmp -e A=b "$img" sh -c 'pwd; echo $A; id -u; hostname -f > /dev/null; cat /proc/self/oom_score_adj > /dev/null')" $'/tmp\nb\n0'
  gives 7 once "$img" sh -c 'exit 7'
  same "$(echo words | once -i "$img" cat)" words
  same "$(once -u someone "$img" id -u)" 1000
  has "$(once "$img" sed 's/  */ /g' /proc/self/uid_map)" '^ 1 2000000 65536'
  gives 127 once "$img" no-such-command
  gives 126 once "$img" /etc/words
}

case_detached() { # short
  p run -d --name c --network none "$img" sh -c 'echo out; echo err >&2; exit 3' > /dev/null
  same "$(p wait c)" 3
  same "$(p logs c 2> /dev/null)" out
}

case_terminal() {
  has "$(once -t "$img" tty)" '^/dev/pts/0'
}

case_exec() { # short
  kept
  gives 9 p exec c sh -c 'exit 9'
  same "$(p exec -w /tmp -e A=b -u someone c sh -c 'pwd; echo $A; id -u')" $'/tmp\nb\n1000'
  has "$(p exec -t c tty)" '^/dev/pts/'
  gives 127 p exec c no-such-command
  p exec -d c sh -c 'echo done > /tmp/done; sleep 1000'
  eventually p exec c test -s /tmp/done
  same "$(p exec --preserve-fds 1 c sh -c 'cat <&3' 3< <(echo three))" three
  has "$(p exec --privileged c cat /proc/self/status)" "^CapEff:.$(printf %016x $(((2 << $(< /proc/sys/kernel/cap_last_cap)) - 1)))"
}

case_attach() {
  p run -di --name c --network none "$img" sh -c 'read line; echo "read $line"; exit 4' > /dev/null
  has "$(p attach c <<< words)" 'read words'
  same "$(p wait c)" 4
}

case_top() { # short
  kept
  has "$(p top c)" 'sleep 1000'
  has "$(p top c -ef)" 'sleep 1000'
}

case_restart() {
  kept --init
  has "$(p exec c cat /proc/1/comm)" '^(podman-init|catatonit)'
  local before
  before=$(state '{{.State.Pid}}')
  p restart -t 10 c
  [[ $(state '{{.State.Pid}}') != "$before" ]]
  p stop -t 10 c
  same "$(state '{{.State.ExitCode}}')" 143
}

case_health() {
  kept --health-cmd 'test -e /tmp/well' --health-retries 1 --health-interval disable
  gives 1 p healthcheck run c
  p exec c touch /tmp/well
  p healthcheck run c
}

case_sysctl_and_hooks() {
  same "$(once --sysctl net.ipv4.ip_forward=1 "$img" cat /proc/sys/net/ipv4/ip_forward)" 1
  as_user mkdir -p hooks
  as_user tee hooks/made.json > /dev/null << END
{"version":"1.0.0","hook":{"path":"/usr/bin/tee","args":["tee","$scratch/user/seen"]},"when":{"always":true},"stages":["createRuntime"]}
END
  as_user timeout 60 podman --cgroup-manager cgroupfs --hooks-dir "$scratch/user/hooks" run --rm --network none "$img" true
  has "$(cat "$scratch/user/seen")" '"pid": *[0-9]+'
}

case_play_kube() {
  as_user tee pod.yaml > /dev/null << END
apiVersion: v1
kind: Pod
metadata: {name: kube}
spec: {hostNetwork: true, containers: [{name: one, image: $img, command: [sleep, '1000']}]}
END
  p play kube pod.yaml > /dev/null
  same "$(p exec kube-one id -u)" 0
  p play kube --down pod.yaml > /dev/null
}

case_stop_and_kill() { # short
  kept
  p stop -t 0 c
  same "$(state '{{.State.Status}}')" exited
  p start c
  p kill -s KILL c
  same "$(p wait c)" 137
  p init c
  p rm -f -t 0 c
}

case_keep_id() { # short
  same "$(once --userns keep-id "$img" id -u)" "$(id -u engines-user)"
  as_user sh -c 'mkdir -p from && echo words > from/file'
  same "$(once --userns keep-id -v "$scratch/user/from:/to" "$img" sh -c 'cat /to/file; echo more > /to/other')" words
  same "$(stat -c %U "$scratch/user/from/other")" engines-user
}

case_uidmap() {
  same "$(once --uidmap 0:1:1000 "$img" id -u)" 0
}

case_volumes() {
  as_user sh -c 'mkdir -p from && echo words > from/file'
  same "$(once -v "$scratch/user/from:/to:ro" "$img" cat /to/file)" words
  gives 1 once -v "$scratch/user/from:/to:ro" "$img" touch /to/third
  once --tmpfs /srv:size=1m "$img" touch /srv/file
  gives 1 once --read-only "$img" touch /file
}

case_host_network() { # short
  same "$(p run --rm --network host "$img" readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
}

case_devices() {
  same "$(once "$img" sh -c 'echo x > /dev/null; stat -c %a /dev/null; head -c 1 /dev/zero | wc -c')" $'666\n1'
  once --device /dev/full:/dev/mine "$img" test -c /dev/mine
}

case_seccomp() {
  has "$(once "$img" cat /proc/self/status)" $'^Seccomp:\t2'
  has "$(once --cap-drop all "$img" cat /proc/self/status)" $'^CapEff:\t0{16}$'
}

case_privileged() {
  once --privileged "$img" sh -c 'mount -t tmpfs none /srv && touch /srv/file'
}

case_pods() {
  p pod create --name pod --network none > /dev/null
  p run -d --pod pod --name a "$img" sleep 1000 > /dev/null
  same "$(p exec a hostname)" pod
}

case_build() { # short
  printf 'FROM %s\nRUN echo built > /built\nCMD cat /built\n' "$img" | as_user tee Containerfile > /dev/null
  as_user timeout 60 podman --cgroup-manager cgroupfs build --isolation oci --network none -t localhost/built .
  same "$(once localhost/built)" built
  p rmi -f localhost/built > /dev/null
}
