# Kubernetes' interface, as containerd serves it: shellcheck shell=bash

engine_begins() {
  . "$HERE/containerd.sh"
  mkdir -p "$scratch/cri/cni" "$scratch/cri/pods"
  # An interface of the pod's own, and nothing between it and the host.
  cat > "$scratch/cri/cni/10-engines.conflist" << 'END'
{"cniVersion":"0.3.1","name":"engines","plugins":[{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","subnet":"10.199.0.0/24"}}]}
END
  begin_containerd cri "
[plugins.'io.containerd.grpc.v1.cri']
  sandbox_image = 'localhost/pause:1'
  # This machine has no CAP_SYS_RESOURCE.
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = '127.0.0.1'
  stream_server_port = '0'
[plugins.'io.containerd.grpc.v1.cri'.cni]
  bin_dir = '/usr/lib/cni'
  conf_dir = '$scratch/cri/cni'
[plugins.'io.containerd.grpc.v1.cri'.containerd]
  default_runtime_name = 'tested'
[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.tested]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.tested.options]
  BinaryName = '$RUNTIME'"
  ctr --address "$scratch/cri/socket" --namespace k8s.io images import "$tar"
  eventually cri Version
}

# cri METHOD [JSON]
cri() {
  # (Debian's, which has the libraries.)
  /usr/bin/python3 "$HERE/cri_client.py" "$scratch/cri/socket" "$@"
}

# words WORD...: as a list in JSON. (jq would take options of its own from among its --args.)
words() {
  local word list=
  for word in "$@"; do
    word=${word//\\/\\\\} word=${word//\"/\\\"}
    list+=${list:+,}\"$word\"
  done
  echo "[$list]"
}

engine_tidies() {
  local id
  for id in $(cri ListPodSandbox | jq -r '.items[].id'); do
    cri StopPodSandbox "{\"pod_sandbox_id\":\"$id\"}" > /dev/null && cri RemovePodSandbox "{\"pod_sandbox_id\":\"$id\"}" > /dev/null
  done
}

engine_ends() {
  kill "$daemon"
  wait "$daemon"
}

# sandbox [FILTER]: a pod on the host's network, with what the filter of jq makes of its configuration. Sets `pod`.
sandbox() {
  pod_config=$(jq -cn --arg logs "$scratch/cri/pods" --arg uid "$RANDOM$RANDOM" '{metadata: {name: "pod", uid: $uid, namespace: "default"},
    log_directory: $logs, linux: {cgroup_parent: "/engines/pod",
    security_context: {namespace_options: {network: 2}}}} | '"${1:-.}")
  pod=$(cri RunPodSandbox "{\"config\":$pod_config}" | jq -r .pod_sandbox_id)
}

# container [FILTER [COMMAND...]]: one that is created in the pod. Sets `container`.
container() {
  local filter=${1:-.} config
  shift || true
  (($#)) || set -- sleep 1000
  config=$(jq -cn --arg name "c$RANDOM" --argjson command "$(words "$@")" '{metadata: {name: $name},
    image: {image: "localhost/engines:1"}, command: $command, log_path: ($name + ".log"), linux: {}} | '"$filter")
  container=$(cri CreateContainer "{\"pod_sandbox_id\":\"$pod\",\"config\":$config,\"sandbox_config\":$pod_config}" | jq -r .container_id)
  log=$scratch/cri/pods/$(jq -r .log_path <<< "$config")
}

start() {
  cri StartContainer "{\"container_id\":\"$container\"}" > /dev/null
}

# status FIELD
status() {
  cri ContainerStatus "{\"container_id\":\"$container\"}" | jq -r ".status.$1"
}

has_ended() {
  same "$(status state)" 2
}

# prints FILTER COMMAND...: what it prints, when it has ended.
prints() {
  container "$@"
  start
  eventually has_ended
  # A line is a time, the stream, F for a full one.
  eventually test -e "$log"
  cut -d' ' -f4- "$log"
}

# inside COMMAND...: its output, by an exec.
inside() {
  cri ExecSync "{\"container_id\":\"$container\",\"cmd\":$(words "$@")}" > answer
  jq -r .stdout answer | base64 -d
}

case_sandbox() { # short
  sandbox
  same "$(cri PodSandboxStatus "{\"pod_sandbox_id\":\"$pod\"}" | jq -r .status.state)" 0
  test -d "$(of pids)/engines/pod"
  cri StopPodSandbox "{\"pod_sandbox_id\":\"$pod\"}"
  same "$(cri PodSandboxStatus "{\"pod_sandbox_id\":\"$pod\"}" | jq -r .status.state)" 1
  cri RemovePodSandbox "{\"pod_sandbox_id\":\"$pod\"}"
}

case_container() { # short
  sandbox
  container '.envs = [{key: "A", value: "b"}] | .working_dir = "/tmp"' sh -c 'echo $A; pwd; hostname; echo err >&2; exit 3'
  same "$(status state)" 0
  start
  eventually has_ended
  same "$(status exit_code)" 3
  same "$(grep -c ' stderr F err' "$log")" 1
  same "$(grep ' stdout F' "$log" | cut -d' ' -f4-)" "b
/tmp
$(hostname)"
  cri RemoveContainer "{\"container_id\":\"$container\"}"
}

case_not_found() { # short
  sandbox
  container . no-such-command
  gives 1 start
  has "$out" 'executable file not found in \$PATH|no such file or directory'
  same "$(status exit_code)" 128
}

case_exec() { # short
  sandbox
  container
  start
  same "$(inside sh -c 'echo out; echo err >&2; exit 7')" out
  same "$(jq -r .exit_code answer)" 7
  same "$(jq -r .stderr answer | base64 -d)" err
  gives 1 cri ExecSync "{\"container_id\":\"$container\",\"cmd\":[\"no-such-command\"]}"
  # One that takes too long is killed.
  gives 1 cri ExecSync "{\"container_id\":\"$container\",\"cmd\":[\"sleep\",\"987\"],\"timeout\":1}"
  lacks "$(inside ps)" 'sleep 987'
}

case_stop() { # short
  sandbox
  container . sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
  start
  eventually grep ready "$log"
  cri StopContainer "{\"container_id\":\"$container\",\"timeout\":30}"
  same "$(status exit_code)" 5
  container
  start
  cri StopContainer "{\"container_id\":\"$container\",\"timeout\":0}"
  same "$(status exit_code)" 137
  # One that runs is removed by force, and so is one that was never started.
  container
  start
  cri RemoveContainer "{\"container_id\":\"$container\"}"
  container
  cri RemoveContainer "{\"container_id\":\"$container\"}"
}

case_stats() { # short
  sandbox
  container
  start
  local answer
  answer=$(cri ContainerStats "{\"container_id\":\"$container\"}")
  (($(jq -r .stats.cpu.usage_core_nano_seconds.value <<< "$answer") > 0))
  (($(jq -r .stats.memory.working_set_bytes.value <<< "$answer") > 0))
}

case_update() { # short
  sandbox
  container '.linux.resources = {memory_limit_in_bytes: 67108864, cpu_shares: 512, cpu_quota: 20000, cpu_period: 100000}'
  start
  local cgroup
  cgroup=/engines/pod/$container
  limited memory "$cgroup" memory.limit_in_bytes 67108864
  limited cpu "$cgroup" cpu.shares 512
  limited cpu "$cgroup" cpu.cfs_quota_us 20000
  cri UpdateContainerResources "{\"container_id\":\"$container\",\"linux\":{\"memory_limit_in_bytes\":134217728,\"cpu_shares\":300,\"cpu_quota\":50000,\"cpu_period\":100000,\"cpuset_cpus\":\"0\"}}"
  limited memory "$cgroup" memory.limit_in_bytes 134217728
  limited cpu "$cgroup" cpu.shares 300
  limited cpu "$cgroup" cpu.cfs_quota_us 50000
  limited cpuset "$cgroup" cpuset.cpus 0
}

case_shared_namespaces() { # short
  sandbox
  local one
  container
  start
  one=$(inside readlink /proc/self/ns/ipc /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/pid)
  container
  start
  same "$(inside readlink /proc/self/ns/ipc /proc/self/ns/net /proc/self/ns/uts)" "$(head -3 <<< "$one")"
  [[ $(inside readlink /proc/self/ns/pid) != "$(tail -1 <<< "$one")" ]]
  # One for the whole pod, in which the sandbox is process 1.
  sandbox '.metadata.name = "other" | .linux.security_context.namespace_options.pid = 0'
  container '.linux.security_context.namespace_options.pid = 0'
  start
  has "$(inside ps)" ' 1 .*sleep 1000000'
  # The host's.
  sandbox '.metadata.name = "host" | .linux.security_context.namespace_options.pid = 2'
  container '.linux.security_context.namespace_options.pid = 2'
  start
  same "$(inside readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
}

case_pod_network() { # short
  sandbox 'del(.linux.security_context)'
  has "$(cri PodSandboxStatus "{\"pod_sandbox_id\":\"$pod\"}" | jq -r .status.network.ip)" '^10\.199\.0\.'
  container
  start
  has "$(inside ip address)" 'inet 10\.199\.0\.'
  has "$(inside ip address show dev lo)" 'inet 127\.0\.0\.1'
}

case_security() { # short
  sandbox
  local status='.linux.security_context'
  has "$(prints "$status = {run_as_user: {value: 1000}, run_as_group: {value: 1000}, supplemental_groups: [5000]}" sh -c 'echo $(id -u) $(id -g) $(id -G)')" \
    '^1000 1000 1000 (2000 )?5000$'
  same "$(prints "$status = {run_as_username: \"someone\"}" id -u)" 1000
  has "$(prints "$status = {capabilities: {drop_capabilities: [\"ALL\"], add_capabilities: [\"NET_ADMIN\"]}}" cat /proc/self/status)" $'^CapEff:\t0{12}1000$'
  has "$(prints "$status = {no_new_privs: true, seccomp: {profile_type: 0}}" cat /proc/self/status)" $'^NoNewPrivs:\t1'
  has "$(prints "$status = {seccomp: {profile_type: 0}}" cat /proc/self/status)" $'^Seccomp:\t2'
  has "$(prints "$status = {readonly_rootfs: true}" sh -c 'touch /file 2>&1')" 'Read-only file system'
  same "$(prints "$status = {masked_paths: [\"/etc/words\"], readonly_paths: [\"/proc/sys\"]}" sh -c 'cat /etc/words; (echo 1 > /proc/sys/kernel/msgmax) 2> /dev/null; echo $?')" 1
}

case_mounts_and_devices() {
  sandbox
  mkdir from
  echo words > from/file
  same "$(prints ".mounts = [{container_path: \"/to\", host_path: \"$PWD/from\", readonly: true}]" sh -c 'cat /to/file; touch /to/x 2> /dev/null || echo no')" $'words\nno'
  mkdir shared
  mount -t tmpfs engines shared
  mount --make-shared shared
  has "$(prints ".mounts = [{container_path: \"/to\", host_path: \"$PWD/shared\", propagation: 1}]" cat /proc/self/mountinfo)" ' /to .* master:'
  has "$(prints ".mounts = [{container_path: \"/to\", host_path: \"$PWD/shared\", propagation: 2}]" cat /proc/self/mountinfo)" ' /to .* shared:'
  umount shared
  same "$(prints '.devices = [{container_path: "/dev/mine", host_path: "/dev/full", permissions: "rw"}]' stat -c '%t:%T' /dev/mine)" 1:7
}

case_sysctls_and_hostname() {
  sandbox 'del(.linux.security_context) | .hostname = "pod" | .linux.sysctls = {"net.ipv4.ip_forward": "1"}'
  same "$(prints . sh -c 'cat /proc/sys/net/ipv4/ip_forward; hostname; cat /etc/hostname')" $'1\npod\npod'
}

case_terminal() { # short
  sandbox
  has "$(prints '.tty = true' sh -c 'tty' | tr -d '\r')" '^/dev/pts/0'
}

case_out_of_memory() {
  sandbox
  container '.linux.resources = {memory_limit_in_bytes: 16777216, memory_swap_limit_in_bytes: 16777216}' tail /dev/zero
  start
  eventually has_ended
  same "$(status exit_code)" 137
}

case_pod_of_many() {
  sandbox
  local i
  for i in 1 2 3 4; do
    container
    start
  done
  cri StopPodSandbox "{\"pod_sandbox_id\":\"$pod\"}"
  same "$(cri ListContainers | jq '[.containers[] | select(.state == 1)] | length')" 0
}
