# The official Python client against a cluster: objects, a watch, a log, a command, a port.
import os
import sys
import threading

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import portforward, stream

config.load_kube_config(os.environ["KUBECONFIG"])
namespace, port = sys.argv[1], int(sys.argv[2])
core, apps = client.CoreV1Api(), client.AppsV1Api()

core.create_namespace({"metadata": {"name": namespace}})
core.create_namespaced_config_map(namespace, {"metadata": {"name": "settings"}, "data": {"a": "b"}})
core.patch_namespaced_config_map("settings", namespace, {"data": {"c": "d"}})
print(core.read_namespaced_config_map("settings", namespace).data)
try:
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "settings"}})
except ApiException as error:
    print(error.status, error.reason)

labels = {"app": "web"}
container = {"name": "web", "image": "web:1", "command": ["/bin/sh", "-c", "sleep 1000"]}
template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
apps.create_namespaced_deployment(namespace, {"metadata": {"name": "web"}, "spec": spec})
seen = set()
for event in watch.Watch().stream(core.list_namespaced_pod, namespace, timeout_seconds=10):
    pod = event["object"]
    if pod.status.phase == "Running":
        seen.add(pod.metadata.name)
    if len(seen) == 2:
        break
print("running", len(seen))
scale = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 0}})
print("scale", scale.spec.replicas)

pages, token = 0, None
for number in range(5):
    core.create_namespaced_secret(namespace, {"metadata": {"name": f"s{number}"}, "stringData": {"k": "v"}})
while True:
    page = core.list_namespaced_secret(namespace, limit=2, _continue=token)
    pages, token = pages + 1, page.metadata._continue
    if not token:
        break
print("pages", pages)

pod = {"metadata": {"name": "worker"}, "spec": {"containers": [container], "restartPolicy": "Never"}}
core.create_namespaced_pod(namespace, pod)
for event in watch.Watch().stream(core.list_namespaced_pod, namespace, timeout_seconds=10):
    if event["object"].metadata.name == "worker" and event["object"].status.phase == "Running":
        break
answer = stream(
    core.connect_get_namespaced_pod_exec, "worker", namespace,
    command=["sh", "-c", "read line; echo heard $line; echo trouble >&2; exit 4"],
    stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
)
answer.write_stdin("hello\n")
answer.run_forever(timeout=10)
print("exec", repr(answer.read_stdout()), repr(answer.read_stderr()), answer.returncode)

ports = portforward(core.connect_get_namespaced_pod_portforward, "worker", namespace, ports=str(port))
socket = ports.socket(port)
socket.setblocking(True)
socket.sendall(b"ping\n")
print("port", socket.recv(100))
socket.close()

core.delete_collection_namespaced_secret(namespace)
print("left", len(core.list_namespaced_secret(namespace).items))
