# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of containers from the files that engines keep: their documented layouts, and what a hostile user puts in their
place.
"""

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.memops.linux.plugins.module_utils._containers.engines import Names
from ansible_collections.memops.linux.plugins.module_utils._containers.names import Places, name_containers
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran

ID = "6b4013ef254b" + "0a" * 26
OTHER = "6b4013ef254c" + "0b" * 26
#: Root plays the user; a user plays himself.
UID = os.getuid() or 1000
HOME_STORAGE = "home/alice/.local/share/containers/storage/overlay-containers/containers.json"
KUBEPODS = "/kubepods.slice/kubepods-burstable.slice/cri-containerd-%s.scope" % ID
IN_USER_SLICE = "/user.slice/user-%d.slice/user@%d.service/user.slice/libpod-%s.scope/container" % (UID, UID, ID)
UNKNOWN = {"id": ID, "name": None, "image": None, "pod": None, "namespace": None, "engine": None}
TASKS = "run/containerd/io.containerd.runtime.v2.task/"


def named(name=None, image=None, pod=None, namespace=None, engine=None, identity=ID):
    return {"id": identity, "name": name, "image": image, "pod": pod, "namespace": namespace, "engine": engine}


def storage_row(identity=ID, name="web", **metadata):
    inner = dict(
        {"image-name": "docker.io/library/nginx:1.25", "image-id": "f4" * 32, "name": name, "created-at": 1796087355},
        **metadata,
    )
    return {
        "id": identity,
        "names": [name],
        "image": "f4" * 32,
        "layer": "42" * 32,
        "metadata": json.dumps(inner),
        "flags": {"MountLabel": ""},
    }


def docker_config(name="/web", **labels):
    return {"ID": ID, "Name": name, "Image": "sha256:" + "f4" * 32, "Config": {"Image": "nginx:1.25", "Labels": labels}}


CRI = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "web",
    "io.kubernetes.cri.image-name": "docker.io/library/nginx:1.25",
    "io.kubernetes.cri.sandbox-name": "web-0",
    "io.kubernetes.cri.sandbox-namespace": "shop",
}
CRIO = {
    "io.container.manager": "cri-o",
    "io.kubernetes.container.name": "web",
    "io.kubernetes.pod.name": "web-0",
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.cri-o.ImageName": "quay.io/shop/nginx:1.25",
}
PODMAN_WEB = named("web", "docker.io/library/nginx:1.25", engine="podman")
DOCKER_WEB = named("web", "nginx:1.25", engine="docker")
CONTAINERD_WEB = named("web", "docker.io/library/nginx:1.25", "web-0", "shop", "containerd")
CRIO_WEB = named("web", "quay.io/shop/nginx:1.25", "web-0", "shop", "crio")
LINK = "var/log/containers/web-0_shop_web-%s.log"
KUBELET_ROW = storage_row(
    name="k8s_web_web-0_shop_5c6f_2",
    **{"pod-name": "k8s_web-0_shop_5c6f_0", "metadata-name": "web", "namespace": "shop"},
)


def tree(root, files):
    """bytes and text as they are, anything else as JSON"""
    for path, content in files.items():
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, (bytes, str)) else json.dumps(content)
        full.write_bytes(data if isinstance(data, bytes) else data.encode())


def give(root, *names):
    """These, and what is below them, belong to the user."""
    if os.getuid() == 0:
        for name in names:
            for folder, folders, files in os.walk(str(root / name)):
                for path in [folder] + [os.path.join(folder, other) for other in folders + files]:
                    os.chown(path, UID, UID, follow_symlinks=False)


def container(root, cgroup=KUBEPODS, identity=ID):
    kill = {"container_id": identity, "container": dict(UNKNOWN, id=identity), "task_memcg": cgroup, "oom_memcg": None}
    name_containers(Host(root=str(root)), [kill])
    return kill["container"]


LAYOUTS = [
    ("podman", {"var/lib/containers/storage/overlay-containers/containers.json": [storage_row(OTHER, "db"), storage_row()]}, PODMAN_WEB),
    ("podman, volatile", {"var/lib/containers/storage/overlay-containers/volatile-containers.json": [storage_row()]}, PODMAN_WEB),
    ("podman, transient store", {"run/containers/storage/overlay-containers/volatile-containers.json": [storage_row()]}, PODMAN_WEB),
    ("podman, another driver", {"var/lib/containers/storage/btrfs-containers/containers.json": [storage_row()]}, PODMAN_WEB),
    ("podman, another root", {"etc/containers/storage.conf": '[storage]\n# graphroot = "/no"\ngraphroot = "/srv/pods"\n',
                              "srv/pods/overlay-containers/containers.json": [storage_row()]}, PODMAN_WEB),
    ("podman's bundle has no names", {"var/lib/containers/storage/overlay-containers/containers.json": [storage_row()],
                                      "var/lib/containers/storage/overlay-containers/%s/userdata/config.json" % ID:
                                          {"annotations": {"io.container.manager": "libpod"}}}, PODMAN_WEB),
    ("docker", {"var/lib/docker/containers/%s/config.v2.json" % ID: docker_config()}, DOCKER_WEB),
    ("docker, another root", {"etc/docker/daemon.json": {"data-root": "/srv/docker"},
                              "srv/docker/containers/%s/config.v2.json" % ID: docker_config()}, DOCKER_WEB),
    ("docker and its containerd", {"var/lib/docker/containers/%s/config.v2.json" % ID: docker_config(),
                                   TASKS + "moby/%s/config.json" % ID: {"annotations": {}}}, DOCKER_WEB),
    ("docker below the kubelet", {"var/lib/docker/containers/%s/config.v2.json" % ID: docker_config(
        "/k8s_web_web-0_shop_5c6f_0", **{"io.kubernetes.container.name": "web", "io.kubernetes.pod.name": "web-0",
                                         "io.kubernetes.pod.namespace": "shop"})}, named("web", "nginx:1.25", "web-0", "shop", "docker")),
    ("containerd", {TASKS + "k8s.io/%s/config.json" % ID: {"ociVersion": "1.1.0", "annotations": CRI}}, CONTAINERD_WEB),
    ("containerd of k3s", {"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json" % ID: {"annotations": CRI}}, CONTAINERD_WEB),
    ("containerd, nerdctl", {TASKS + "default/%s/config.json" % ID: {"annotations": {"nerdctl/name": "web"}}}, named("web", engine="containerd")),
    ("crio", {"run/containers/storage/overlay-containers/%s/userdata/config.json" % ID: {"annotations": CRIO}}, CRIO_WEB),
    ("crio, the other place", {"var/lib/containers/storage/overlay-containers/%s/userdata/config.json" % ID: {"annotations": CRIO}}, CRIO_WEB),
    ("crio, of a container that is dead", {"var/lib/containers/storage/overlay-containers/containers.json": [KUBELET_ROW]},
     named("web", "docker.io/library/nginx:1.25", "web-0", "shop", "crio")),
    ("only kubelet's link to its log", {LINK % ID: ""}, named("web", pod="web-0", namespace="shop")),
    ("another container's link", {LINK % OTHER: ""}, UNKNOWN),
    ("a bundle without names, and kubelet's link", {TASKS + "k8s.io/%s/config.json" % ID: {"ociVersion": "1.1.0"}, LINK % ID: ""},
     named("web", pod="web-0", namespace="shop")),
    ("a bundle without names", {TASKS + "default/%s/config.json" % ID: {"ociVersion": "1.1.0"}}, named(engine="containerd")),
    ("nothing", {}, UNKNOWN),
    ("another container", {"var/lib/containers/storage/overlay-containers/containers.json": [storage_row(OTHER)]}, UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize("files, wanted", [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS])
def test_layouts(tmp_path, files, wanted):
    tree(tmp_path, files)
    assert container(tmp_path) == wanted


PREFIXES = [
    (
        "containers.json",
        {"var/lib/containers/storage/overlay-containers/containers.json": [storage_row(OTHER, "db"), storage_row()]},
        PODMAN_WEB,
    ),
    ("docker", {"var/lib/docker/containers/%s/config.v2.json" % ID: docker_config()}, DOCKER_WEB),
    ("containerd", {TASKS + "k8s.io/%s/config.json" % ID: {"annotations": CRI}}, CONTAINERD_WEB),
]


@pytest.mark.parametrize("files, wanted", [row[1:] for row in PREFIXES], ids=[row[0] for row in PREFIXES])
def test_the_first_12_digits(tmp_path, files, wanted):
    tree(tmp_path, files)
    assert container(tmp_path, identity=ID[:12]) == wanted


def test_the_beginning_of_two_ids_is_nobodys(tmp_path):
    twin = ID[:12] + "ff" * 26
    tree(
        tmp_path,
        {"var/lib/containers/storage/overlay-containers/containers.json": [storage_row(), storage_row(twin, "db")]},
    )
    tree(
        tmp_path, {"var/lib/docker/containers/%s/config.v2.json" % identity: docker_config() for identity in (ID, twin)}
    )
    assert container(tmp_path, identity=ID[:12]) == dict(UNKNOWN, id=ID[:12])


@pytest.mark.parametrize(
    "identity", ["web1", "../../etc", ID[:11], ID.upper(), ID + "\n", ID + "00", "a/" * 6, "\\x00" * 4]
)
def test_what_is_no_id_is_looked_up_nowhere(tmp_path, identity):
    tree(tmp_path, {"var/lib/docker/containers/web1/config.v2.json": docker_config()})
    assert container(tmp_path, identity=identity) == dict(UNKNOWN, id=identity)


CONTENTS = [
    ("no JSON", b"{", UNKNOWN),
    ("empty", b"", UNKNOWN),
    ("another shape", {"a": 1}, UNKNOWN),
    ("rows of another shape", [1, None, [], {}, {"id": 7}], UNKNOWN),
    ("deep", b"[" * 500000, UNKNOWN),
    ("a number of many digits", b"[" + b"1" * 900000 + b"]", UNKNOWN),
    ("metadata that is not a text", [{"id": ID, "names": [], "metadata": 7}], named(engine="podman")),
    ("metadata that is no JSON", [{"id": ID, "names": ["web"], "metadata": "{"}], named("web", engine="podman")),
    (
        "names of another type",
        [{"id": ID, "names": {"a": 1}, "metadata": json.dumps({"name": ["x"], "image-name": 5})}],
        named(engine="podman"),
    ),
    ("not UTF-8", b'[{"id": "' + ID.encode() + b'", "names": ["w\xffb"]}]', named("w\\xffb", engine="podman")),
    (
        "controls and lone surrogates",
        [{"id": ID, "names": ["\u202ea\x1b[2J\ud800"]}],
        named("\\u202ea\\x1b[2J\\ud800", engine="podman"),
    ),
    (
        "a long name",
        [storage_row(name="n" * 100000)],
        named("n" * 256, "docker.io/library/nginx:1.25", engine="podman"),
    ),
]


@pytest.mark.parametrize("content, wanted", [row[1:] for row in CONTENTS], ids=[row[0] for row in CONTENTS])
@pytest.mark.parametrize("owner", ["root", "user"])
def test_contents(tmp_path, owner, content, wanted):
    if owner == "root":
        tree(tmp_path, {"var/lib/containers/storage/overlay-containers/containers.json": content})
        assert container(tmp_path) == wanted
        return
    at_home(tmp_path, {HOME_STORAGE: content})
    assert container(tmp_path, IN_USER_SLICE) == wanted


def at_home(root, files):
    tree(
        root,
        dict(
            {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nalice:x:%d:%d:,,,:/home/alice:/bin/sh\n" % (UID, UID)},
            **files,
        ),
    )
    (root / "home" / "alice").mkdir(parents=True, exist_ok=True)
    give(root, "home/alice")


def test_a_users_own_container(tmp_path):
    at_home(tmp_path, {HOME_STORAGE: [storage_row()]})
    assert container(tmp_path, IN_USER_SLICE) == PODMAN_WEB


def test_a_users_own_docker(tmp_path):
    at_home(tmp_path, {"home/alice/.local/share/docker/containers/%s/config.v2.json" % ID: docker_config()})
    assert container(tmp_path, IN_USER_SLICE) == DOCKER_WEB


def test_users_name_no_container_but_their_own(tmp_path):
    """Neither root's for which a user has a row, nor root's name for a scope that a user called so."""
    at_home(tmp_path, {HOME_STORAGE: [storage_row(ID, "forged")]})
    assert container(tmp_path) == UNKNOWN
    tree(tmp_path, {"var/lib/containers/storage/overlay-containers/containers.json": [storage_row(OTHER, "secret")]})
    assert container(tmp_path, IN_USER_SLICE, OTHER) == dict(UNKNOWN, id=OTHER)
    another = IN_USER_SLICE.replace(str(UID), str(UID + 1))
    assert container(tmp_path, another) == UNKNOWN


def _link(path, root):
    secret = root / "root-only.json"
    secret.write_text(json.dumps([storage_row(name="secret")]))
    path.symlink_to(secret)


def _folder_link(path, root):
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / path.name).write_text(json.dumps([storage_row(name="secret")]))
    path.parent.rmdir()
    path.parent.symlink_to(elsewhere)


def _fifo(path, _root):
    os.mkfifo(str(path))


def _folder(path, _root):
    path.mkdir()


def _huge(path, _root):
    with path.open("wb") as stream:
        stream.write(json.dumps([storage_row()]).encode())
        stream.truncate(1 << 40)


@pytest.mark.parametrize("make", [_link, _folder_link, _fifo, _folder, _huge])
def test_traps_at_home(tmp_path, make):
    path = tmp_path / HOME_STORAGE
    path.parent.mkdir(parents=True)
    make(path, tmp_path)
    at_home(tmp_path, {})
    assert container(tmp_path, IN_USER_SLICE) == UNKNOWN


@pytest.mark.parametrize("make", [_link, _fifo, _folder, _huge])
def test_traps_in_the_systems_place(tmp_path, make):
    path = tmp_path / "var/lib/containers/storage/overlay-containers/containers.json"
    path.parent.mkdir(parents=True)
    make(path, tmp_path)
    assert container(tmp_path) == UNKNOWN


def test_a_folder_that_others_may_write_is_not_the_systems(tmp_path):
    path = "var/lib/docker/containers/%s/config.v2.json" % ID
    tree(tmp_path, {path: docker_config()})
    (tmp_path / path).parent.chmod(0o777)
    assert container(tmp_path) == UNKNOWN


@pytest.mark.parametrize("root", ["/srv/a\0b", "/srv/\ud800", "relative", 7, None, ["/srv"]], ids=repr)
def test_a_configured_root_that_is_no_path(tmp_path, root):
    tree(
        tmp_path,
        {
            "etc/docker/daemon.json": {"data-root": root},
            "var/lib/docker/containers/%s/config.v2.json" % ID: docker_config(),
        },
    )
    assert container(tmp_path) == DOCKER_WEB


def test_a_link_that_root_made_is_followed(tmp_path):
    tree(tmp_path, {"srv/docker/containers/%s/config.v2.json" % ID: docker_config(), "var/lib/x": ""})
    (tmp_path / "var/lib/docker").symlink_to(tmp_path / "srv/docker")
    assert container(tmp_path) == DOCKER_WEB


KILL = (
    "Nov 22 18:41:52 vm1 kernel: [  101.5] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=%(cgroup)s,task_memcg=%(cgroup)s,task=web,pid=321,uid=0\n"
    "Nov 22 18:41:52 vm1 kernel: [  101.5] Memory cgroup out of memory: Killed process 321 (web) total-vm:35000kB, anon-rss:32000kB, "
    "file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0\n"
)


def host_without_commands(root):
    return Host(root=str(root), run=lambda *_args, **_more: Ran(None))


def wish(**more):
    return Wish(subset=("kills",), sources=("files",), **more)


@pytest.mark.parametrize(
    "elsewhere, wanted",
    [(False, DOCKER_WEB), (True, UNKNOWN)],
    ids=["the host's own log", "a log that was brought here"],
)
def test_facts(tmp_path, elsewhere, wanted):
    tree(
        tmp_path,
        {
            "var/log/kern.log": KILL % {"cgroup": "/docker/" + ID},
            "var/lib/docker/containers/%s/config.v2.json" % ID: docker_config(),
        },
    )
    paths = (str(tmp_path / "var/log/kern.log"),) if elsewhere else None
    kills = gather(host_without_commands(tmp_path), wish(paths=paths))["kills"]
    assert [(kill["container_id"], kill["container"]) for kill in kills] == [(ID, wanted)]


@pytest.mark.parametrize("cgroup, loaded", [("/system.slice/a.service", False), ("/docker/" + ID, True)])
def test_a_host_without_such_kills_loads_nothing_more(tmp_path, cgroup, loaded):
    tree(tmp_path, {"var/log/kern.log": KILL % {"cgroup": cgroup}})
    program = (
        "import sys\n"
        "from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather\n"
        "from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish\n"
        "from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran\n"
        "found = gather(Host(root=sys.argv[1], run=lambda *a, **k: Ran(None)), Wish(subset=('kills',), sources=('files',)))\n"
        "print(len(found['kills']), any('._containers' in name for name in sys.modules))\n"
    )
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    said = subprocess.check_output([sys.executable, "-c", program, str(tmp_path)], env=env)
    assert said.decode().split() == ["1", str(loaded)]


@pytest.mark.parametrize(
    "names, clause",
    [
        (Names("web", "nginx:1.25", engine="podman"), "; it ran in container web (image nginx:1.25)"),
        (Names("web", "nginx:1.25", "web-0", "shop", "containerd"), "; it ran in container web (image nginx:1.25) of pod web-0 in shop"),
        (Names(pod="web-0"), "; it ran in container without a name of pod web-0"),
        (Names(engine="docker"), ""),
        (None, ""),
    ],
)  # fmt: skip
def test_the_sentence_names_it(monkeypatch, tmp_path, names, clause):
    monkeypatch.setattr(Places, "find", lambda self, identity: (identity, names))
    kill = {"container_id": ID, "container": None, "why": "it was big"}
    name_containers(Host(root=str(tmp_path)), [kill])
    assert kill["why"] == "it was big" + clause
