#!/usr/bin/python3
"""Kubernetes' side of the CRI, as far as the tests need it.

    cri_client.py SOCKET METHOD [REQUEST]

The request is JSON, and so is the answer on stdout. An error of the server is on stderr, and the exit code is 1.
"""
import re
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# The messages, by the numbers of the fields. What the tests do not use is not here; protobuf passes over it.
MESSAGES = """
Empty:
Int64Value: int64 value=1
UInt64Value: uint64 value=1
PodSandboxMetadata: string name=1, string uid=2, string namespace=3, uint32 attempt=4
NamespaceOption: int32 network=1, int32 pid=2, int32 ipc=3, string target_id=4
SecurityProfile: int32 profile_type=1, string localhost_ref=2
LinuxSandboxSecurityContext: NamespaceOption namespace_options=1, Int64Value run_as_user=3, bool readonly_rootfs=4,
  repeated int64 supplemental_groups=5, bool privileged=6, SecurityProfile seccomp=9
LinuxPodSandboxConfig: string cgroup_parent=1, LinuxSandboxSecurityContext security_context=2, map sysctls=3
PodSandboxConfig: PodSandboxMetadata metadata=1, string hostname=2, string log_directory=3, map labels=6, map annotations=7,
  LinuxPodSandboxConfig linux=8
RunPodSandboxRequest: PodSandboxConfig config=1, string runtime_handler=2
RunPodSandboxResponse: string pod_sandbox_id=1
PodSandboxRequest: string pod_sandbox_id=1
PodSandboxNetworkStatus: string ip=1
PodSandboxStatus: string id=1, PodSandboxMetadata metadata=2, int32 state=3, PodSandboxNetworkStatus network=5,
  string runtime_handler=9
PodSandboxStatusResponse: PodSandboxStatus status=1
ImageSpec: string image=1
KeyValue: string key=1, string value=2
LinuxContainerResources: int64 cpu_period=1, int64 cpu_quota=2, int64 cpu_shares=3, int64 memory_limit_in_bytes=4,
  int64 oom_score_adj=5, string cpuset_cpus=6, string cpuset_mems=7, map unified=9, int64 memory_swap_limit_in_bytes=10
Capability: repeated string add_capabilities=1, repeated string drop_capabilities=2
LinuxContainerSecurityContext: Capability capabilities=1, bool privileged=2, NamespaceOption namespace_options=3,
  Int64Value run_as_user=5, string run_as_username=6, bool readonly_rootfs=7, repeated int64 supplemental_groups=8,
  bool no_new_privs=11, Int64Value run_as_group=12, repeated string masked_paths=13, repeated string readonly_paths=14,
  SecurityProfile seccomp=15
LinuxContainerConfig: LinuxContainerResources resources=1, LinuxContainerSecurityContext security_context=2
ContainerMetadata: string name=1, uint32 attempt=2
Mount: string container_path=1, string host_path=2, bool readonly=3, int32 propagation=5
Device: string container_path=1, string host_path=2, string permissions=3
ContainerConfig: ContainerMetadata metadata=1, ImageSpec image=2, repeated string command=3, repeated string args=4,
  string working_dir=5, repeated KeyValue envs=6, repeated Mount mounts=7, repeated Device devices=8, map labels=9,
  map annotations=10, string log_path=11, bool stdin=12, bool stdin_once=13, bool tty=14, LinuxContainerConfig linux=15
CreateContainerRequest: string pod_sandbox_id=1, ContainerConfig config=2, PodSandboxConfig sandbox_config=3
CreateContainerResponse: string container_id=1
ContainerRequest: string container_id=1
StopContainerRequest: string container_id=1, int64 timeout=2
ContainerStatus: string id=1, ContainerMetadata metadata=2, int32 state=3, int32 exit_code=7, string reason=10,
  string message=11, string log_path=15
ContainerStatusResponse: ContainerStatus status=1
ExecSyncRequest: string container_id=1, repeated string cmd=2, int64 timeout=3
ExecSyncResponse: bytes stdout=1, bytes stderr=2, int32 exit_code=3
UpdateContainerResourcesRequest: string container_id=1, LinuxContainerResources linux=2
CpuUsage: int64 timestamp=1, UInt64Value usage_core_nano_seconds=2
MemoryUsage: int64 timestamp=1, UInt64Value working_set_bytes=2
ContainerStats: CpuUsage cpu=2, MemoryUsage memory=3
ContainerStatsResponse: ContainerStats stats=1
VersionResponse: string version=1, string runtime_name=2
RuntimeCondition: string type=1, bool status=2, string reason=3, string message=4
RuntimeStatus: repeated RuntimeCondition conditions=1
StatusResponse: RuntimeStatus status=1
PodSandbox: string id=1, int32 state=3
ListPodSandboxResponse: repeated PodSandbox items=1
Container: string id=1, int32 state=6
ListContainersResponse: repeated Container containers=1
"""

METHODS = {
    "Version": ("Empty", "VersionResponse"),
    "Status": ("Empty", "StatusResponse"),
    "RunPodSandbox": ("RunPodSandboxRequest", "RunPodSandboxResponse"),
    "StopPodSandbox": ("PodSandboxRequest", "Empty"),
    "RemovePodSandbox": ("PodSandboxRequest", "Empty"),
    "PodSandboxStatus": ("PodSandboxRequest", "PodSandboxStatusResponse"),
    "ListPodSandbox": ("Empty", "ListPodSandboxResponse"),
    "CreateContainer": ("CreateContainerRequest", "CreateContainerResponse"),
    "StartContainer": ("ContainerRequest", "Empty"),
    "StopContainer": ("StopContainerRequest", "Empty"),
    "RemoveContainer": ("ContainerRequest", "Empty"),
    "ContainerStatus": ("ContainerRequest", "ContainerStatusResponse"),
    "ListContainers": ("Empty", "ListContainersResponse"),
    "ExecSync": ("ExecSyncRequest", "ExecSyncResponse"),
    "UpdateContainerResources": ("UpdateContainerResourcesRequest", "Empty"),
    "ContainerStats": ("ContainerRequest", "ContainerStatsResponse"),
}


def add_message(file, name, fields):
    message = file.message_type.add(name=name)
    kinds = descriptor_pb2.FieldDescriptorProto
    for words in filter(None, (field.split() for field in fields.split(","))):
        kind, (field_name, number) = words[-2], words[-1].split("=")
        field = message.field.add(name=field_name, number=int(number), label=kinds.LABEL_OPTIONAL)
        if words[0] == "repeated":
            field.label = kinds.LABEL_REPEATED
        if kind == "map":
            # On the wire a map of strings is a list of pairs.
            entry = message.nested_type.add(name="".join(map(str.capitalize, field_name.split("_"))) + "Entry")
            entry.options.map_entry = True
            for number, part in enumerate(("key", "value"), 1):
                entry.field.add(name=part, number=number, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_STRING)
            field.type, field.type_name, field.label = kinds.TYPE_MESSAGE, f".cri.{name}.{entry.name}", kinds.LABEL_REPEATED
        elif kind[0].isupper():
            field.type, field.type_name = kinds.TYPE_MESSAGE, f".cri.{kind}"
        else:
            field.type = getattr(kinds, f"TYPE_{kind.upper()}")


def main():
    socket, method, *request = sys.argv[1:]
    file = descriptor_pb2.FileDescriptorProto(name="cri.proto", package="cri", syntax="proto3")
    for line in re.sub(r"\n  ", " ", MESSAGES).strip().splitlines():
        name, fields = line.split(":", 1)
        add_message(file, name, fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    asked, answered = (factory.GetPrototype(pool.FindMessageTypeByName(f"cri.{name}")) for name in METHODS[method])
    message = json_format.Parse(request[0] if request else "{}", asked())
    with grpc.insecure_channel(f"unix://{socket}") as channel:
        call = channel.unary_unary(f"/runtime.v1.RuntimeService/{method}", asked.SerializeToString, answered.FromString)
        try:
            answer = call(message, timeout=60)
        except grpc.RpcError as error:
            sys.exit(f"{method}: {error.code().name}: {error.details()}")
    print(json_format.MessageToJson(answer, including_default_value_fields=True, preserving_proto_field_name=True))


main()
