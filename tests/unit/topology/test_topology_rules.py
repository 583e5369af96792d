"""Each rule finds its mistake, once, and nothing where there is none."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Facts = Callable[..., list[tuple[str, str]]]


def containers(*lines: str) -> str:
    return "containers:\n" + indent("\n".join(lines), "  ")


def one(name: str, more: str = "", host: str = "h1") -> str:
    return f"{name}: {{host: {host}, image: busybox:1{', ' + more if more else ''}}}"


def test_a_right_topology_has_no_problems(facts_of: Facts) -> None:
    more = containers(
        one("aa", "networks: {web: {ipv4_address: 10.0.0.2, aliases: [svc]}, free: }"),
        one(
            "bb", "networks: {web: {ipv4_address: 10.0.0.127, aliases: [svc]}}, depends_on: [aa], ports: [80:80]", "h2"
        ),
        one("cc", "ports: [80:80, 127.0.0.1:81:80], volumes: [data:/data, /etc:/etc/host:ro]"),
        one("dd", "ports: [192.168.112.11:81:80, 80:80/udp, 90]"),
        one("ee", "", "outside"),
    )
    assert facts_of(more) == []


@pytest.mark.parametrize(
    ("address", "fact"),
    [
        ("10.0.0.1", "10.0.0.1 is the gateway of 10.0.0.0/24"),
        ("10.0.0.0", "10.0.0.0 is the network address of 10.0.0.0/24"),
        ("10.0.0.255", "10.0.0.255 is inside the dynamic range, the subnet's upper half: 10.0.0.128/25"),
        ("10.0.0.128", "10.0.0.128 is inside the dynamic range, the subnet's upper half: 10.0.0.128/25"),
        ("10.0.0.9", "10.0.0.9 is the aux address router"),
        ("10.0.2.2", "10.0.2.2 is outside the subnet 10.0.0.0/24 of network web"),
        ("10.0.0.256", "'10.0.0.256' is not an IPv4 address"),
    ],
)
def test_a_fixed_address_that_cannot_be_given_is_an_error(address: str, fact: str, facts_of: Facts) -> None:
    path = "containers.aa.networks.web.ipv4_address"
    if address == "10.0.0.255":
        fact = "10.0.0.255 is the broadcast address of 10.0.0.0/24"
    assert facts_of(containers(one("aa", f"networks: {{web: {{ipv4_address: {address}}}}}"))) == [(path, fact)]


def test_two_containers_with_one_address_are_an_error(facts_of: Facts) -> None:
    more = containers(*(one(name, "networks: {web: {ipv4_address: 10.0.0.2}}") for name in ("aa", "bb")))
    assert facts_of(more) == [
        ("containers.bb.networks.web.ipv4_address", "10.0.0.2 is already the address of container aa (16:67)"),
    ]


def test_a_fixed_address_needs_a_declared_subnet(facts_of: Facts) -> None:
    found = facts_of(containers(one("aa", "networks: {free: {ipv4_address: 10.0.9.2}}")))
    assert found == [
        (
            "containers.aa.networks.free.ipv4_address",
            "a fixed address needs a declared subnet, and network free has none",
        ),
    ]


def test_more_automatic_addresses_than_the_range_has_are_an_error(facts_of: Facts, head: str) -> None:
    whole = head.replace("10.0.1.0/24", "10.0.1.0/29") + containers(
        *(one(f"c{n}", "networks: [back]") for n in range(4))
    )
    assert facts_of(whole=whole) == [
        ("networks.back.ipam", "4 containers want an automatic address, and 10.0.1.4/30 has 3"),
    ]


@pytest.mark.parametrize(
    ("network", "path", "fact"),
    [
        ("{subnet: 10.0.0.128/25}", "subnet", "10.0.0.128/25 overlaps 10.0.0.0/24 of network web (11:30)"),
        (
            "{subnet: 192.168.112.0/24}",
            "subnet",
            "192.168.112.0/24 has the IP address 192.168.112.10 of the store (3:8) in it",
        ),
        ("{subnet: 192.168.112.14/31}", "subnet", "192.168.112.14/31 is too small: it has room for 0 containers"),
        ("{subnet: 10.9.0.0/30}", "subnet", "10.9.0.0/30 is too small: it has room for 1 container"),
        ("{subnet: 224.1.0.0/24}", "subnet", "224.1.0.0/24 is not for networks of one's own"),
        (
            "{subnet: 8.8.8.0/24}",
            "subnet",
            "8.8.8.0/24 is public address space: containers cannot reach the machines that really have it",
        ),
        (
            "{subnet: 172.17.5.0/24}",
            "subnet",
            "172.17.5.0/24 overlaps 172.17.0.0/16, which engines give to docker0 unless told otherwise",
        ),
        ("{subnet: 10.9.0.1/24}", "subnet", "10.9.0.1/24 has host bits set"),
        ("{subnet: 10.9.0.0}", "subnet", "10.9.0.0 has no prefix length"),
        ("{subnet: 10.9.0.0/24, gateway: 10.8.0.1}", "gateway", "10.8.0.1 is outside the subnet 10.9.0.0/24"),
        ("{subnet: 10.9.0.0/24, gateway: 10.9.0.0}", "gateway", "10.9.0.0 is the network address of 10.9.0.0/24"),
        (
            "{subnet: 10.9.0.0/24, gateway: 10.9.0.254}",
            "gateway",
            "the gateway 10.9.0.254 is inside the dynamic ip_range 10.9.0.128/25",
        ),
        (
            "{subnet: 10.9.0.0/24, ip_range: 10.9.0.0/25}",
            "ip_range",
            "the gateway 10.9.0.1 is inside the dynamic ip_range 10.9.0.0/25",
        ),
        ("{subnet: 10.9.0.0/24, ip_range: 10.8.0.0/25}", "ip_range", "10.8.0.0/25 is outside the subnet 10.9.0.0/24"),
        (
            "{subnet: 10.9.0.0/24, aux_addresses: {r: 10.8.0.1}}",
            "aux_addresses.r",
            "10.8.0.1 is outside the subnet 10.9.0.0/24",
        ),
        ("{subnet: 10.9.0.0/24, aux_addresses: {r: 10.9.0.1}}", "aux_addresses.r", "10.9.0.1 is already the gateway"),
    ],
)
def test_a_pool_that_does_not_hold_together_is_told_once(
    network: str, path: str, fact: str, facts_of: Facts, head: str
) -> None:
    more = f"  odd: {{ipam: {{config: [{network}]}}}}\n"
    found = facts_of(whole=head + more)
    if "192.168.112.14" in network:
        found = found[:1]
    assert found == [(f"networks.odd.ipam.config[0].{path}", fact)]


@pytest.mark.parametrize(
    ("line", "path", "fact"),
    [
        ("host: {}", "networks.host", "host is a network of the engine's own"),
        ("odd: {driver_opts: {encrypted: }}", "networks.odd.driver_opts.encrypted", "expected text, got nothing"),
        (
            'odd: {driver_opts: {encrypted: ""}}',
            "networks.odd.driver_opts.encrypted",
            "encrypted overlays take their keys from swarm, which engines with a store do not run",
        ),
        (
            "odd: {mtu: 1400, driver_opts: {com.docker.network.driver.mtu: 1400}}",
            "networks.odd.driver_opts.com.docker.network.driver.mtu",
            "the mtu is given twice, also as mtu: 1400",
        ),
        ("odd: {mtu: 14000}", "networks.odd.mtu", "14000 is too large"),
        ("odd: {labels: {ovctl.x: z}}", "networks.odd.labels.ovctl.x", "labels that start with ovctl. are ovctl's own"),
        ("odd: {driver: macvlan}", "networks.odd.driver", "expected overlay or bridge, got the text 'macvlan'"),
        ("-odd: {}", "networks.-odd", "'-odd' is not a name"),
    ],
)
def test_a_network_that_an_engine_would_refuse_is_an_error(
    line: str, path: str, fact: str, facts_of: Facts, head: str
) -> None:
    assert facts_of(whole=f"{head}  {line}\n") == [(path, fact)]


@pytest.mark.parametrize(
    ("more", "path", "fact"),
    [
        ("networks: [wbe]", "networks[0]", "no network is named 'wbe'"),
        ("networks: {wbe: {}}", "networks.wbe", "no network is named 'wbe'"),
        ("depends_on: [aa]", "depends_on[0]", "a container cannot depend on itself"),
        ("depends_on: [zz]", "depends_on[0]", "no container is named 'zz'"),
        ("depends_on: {zz: {condition: service_started}}", "depends_on.zz", "no container is named 'zz'"),
        ("volumes: [a:/x, bb:/y]", "volumes[0]", "'a' is not a name that engines take"),
        ("volumes: [{type: volume, source: ../x, target: /x}]", "volumes[0]", "'../x' is not a name that engines take"),
        ("volumes: [aa:/x, bb:/x/]", "volumes[1]", "/x is already the target of another volume (16:46)"),
        ("volumes: [aa:/]", "volumes[0]", "a volume cannot take the place of /"),
        ("volumes: [./a:/x]", "volumes[0]", "'./a:/x': the source is on the host, not beside this file"),
        ("volumes: [/data]", "volumes[0]", "'/data' is not a volume"),
        ("volumes: [{type: bind, source: a, target: /x}]", "volumes[0]", "'a' is not an absolute path of the host"),
        ("labels: [ovctl.topology=x]", "labels[0]", "labels that start with ovctl. are ovctl's own"),
        ("environment: {a=b: c}", "environment.a=b", "'a=b' is no name of a variable"),
        ("ports: [22:22]", "ports[0]", "port 22/tcp of host h1 is probably sshd's"),
        ("ports: [4789:4789/udp]", "ports[0]", "port 4789/udp of host h1 is the overlay networks' own (VXLAN)"),
        (
            "ports: [80:80, 0.0.0.0:80:81]",
            "ports[1]",
            "port 80/tcp of host h1 is already taken by container aa (16:44)",
        ),
        (
            "ports: [80-82:80-82, 127.0.0.1:82:1]",
            "ports[1]",
            "port 82/tcp of host h1 is already taken by container aa (16:44)",
        ),
        ("restart: never", "restart", "'never' is no restart policy"),
        ("hostname: a_b", "hostname", "'a_b' is not a host name"),
    ],
)
def test_a_container_with_a_mistake_gets_one_message(more: str, path: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(containers(one("aa", more))) == [(f"containers.aa.{path}", fact)]


@pytest.mark.parametrize(
    ("host", "fact"),
    [
        ("h3", "no host is named 'h3'"),
        ("gone", "host gone is absent (7:42)"),
        ("outside", "host outside is outside the cluster (8:46), and so are overlay networks from it"),
    ],
)
def test_a_container_needs_a_host_that_can_run_it(host: str, fact: str, facts_of: Facts) -> None:
    more = containers(one("aa", "networks: [free]", host), one("bb", "depends_on: [aa]"))
    assert facts_of(more) == [("containers.aa.host", fact)]


@pytest.mark.parametrize("image", ["Busybox:1", "a b", "busybox:", "-x", "busybox@sha256:12"])
def test_an_image_that_no_engine_can_read_is_an_error(image: str, facts_of: Facts) -> None:
    assert [path for path, _ in facts_of(containers(f"aa: {{host: h1, image: '{image}'}}"))] == ["containers.aa.image"]


@pytest.mark.parametrize(
    "image", ["busybox", "localhost/a_b/c--d:1", "Reg.example.org:5000/x/y:V1", f"a@sha256:{'0' * 64}", "h:5/x"]
)
def test_an_image_that_an_engine_can_read_is_taken(image: str, facts_of: Facts) -> None:
    assert facts_of(containers(f"aa: {{host: h1, image: '{image}'}}")) == []


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("a", "'a' is not a name that engines take"),
        ("_aa", "'_aa' is not a name that engines take"),
        ("ovctl-store", "ovctl-store is the name of the container that ovctl runs the store in"),
        ("web.ovctl-aside", "names that end with .ovctl-aside are those of containers that ovctl is replacing"),
    ],
)
def test_a_name_that_a_container_cannot_have_is_an_error(name: str, fact: str, facts_of: Facts) -> None:
    assert facts_of(containers(one(name))) == [(f"containers.{name}", fact)]


def test_names_that_only_look_like_ours_are_taken(facts_of: Facts) -> None:
    assert facts_of(containers(one("ovctl-store-2"), one("ovctl-aside"), one("a1"))) == []


def test_a_cycle_of_dependencies_is_named(facts_of: Facts) -> None:
    more = containers(
        one("aa", "depends_on: [bb]"), one("bb", "depends_on: [cc]"), one("cc", "depends_on: [dd, bb]"), one("dd")
    )
    assert facts_of(more) == [("containers.bb.depends_on[0]", "the containers wait for each other: bb -> cc -> bb")]


def test_an_alias_that_is_another_containers_name_is_an_error(facts_of: Facts) -> None:
    more = containers(
        one("aa", "networks: [web]"), one("bb", "networks: {web: {aliases: [bb, aa]}, free: {aliases: [aa]}}")
    )
    assert facts_of(more) == [
        ("containers.bb.networks.web.aliases[1]", "aa is the name of a container on network web (16:3)")
    ]


@pytest.mark.parametrize(
    ("old", "new", "path", "fact"),
    [
        (
            "h2: {address: 192.168.112.12}",
            "H1: {address: 192.168.112.12}",
            "hosts.H1",
            "is the host name of h1 (5:3) in other letters",
        ),
        ("112.12", "112.11", "hosts.h2.address", "192.168.112.11 is already the address of host h1 (5:17)"),
        (
            "192.168.112.12",
            "127.0.0.1",
            "hosts.h2.address",
            "127.0.0.1 is every machine's own address: the other hosts cannot reach it",
        ),
        (
            "112.12}",
            "112.12, connection: local, sudo: no}",
            "hosts.h2.sudo",
            "expected true or false, got the text 'no'",
        ),
        ("112.12}", "112.12, advertise: eth0}", "hosts.h2.advertise", "'eth0' is not INTERFACE:PORT or IP:PORT"),
        ("112.12}", "112.12, connection: local, ssh: {port: 1}}", "hosts.h2.ssh", "is not used with connection: local"),
        ("consul://192.168.112.10:8500", "etcd://a:1", "store", "'etcd://a:1' is not a store"),
        ("consul://192.168.112.10:8500", "{url: 'consul://a:1', via: h9}", "store.via", "no host is named 'h9'"),
        (
            "consul://192.168.112.10:8500",
            "{url: 'consul://192.168.112.12:8500', place: {host: h1, image: consul}}",
            "store.url",
            "consul://192.168.112.12:8500 is not on host h1, where the store is placed; that is 192.168.112.11",
        ),
        (
            "store: consul://192.168.112.10:8500",
            "",
            "networks",
            "overlay networks need a store, and the topology has none",
        ),
        ("stor", "stro", "stroe", "unknown key"),
        ("hosts:", "host:", "host", "unknown key"),
        ("name: test", "", "", "name is missing"),
        ("version: 1", "version: 2", "version", "expected 1, got the number 2"),
        ("version: 1", "version: true", "version", "expected 1, got the text 'true'"),
    ],
)
def test_a_mistake_in_hosts_or_store_gets_one_message(  # noqa: PLR0913, PLR0917 - a row of the table
    old: str, new: str, path: str, fact: str, facts_of: Facts, head: str
) -> None:
    whole = head.replace(old, new, 1) + containers(one("aa", "networks: [web]"))
    if "H1" in new:
        whole = whole.replace("host: h2", "host: H1")
    assert facts_of(whole=whole) == [(path, fact)]


@pytest.mark.parametrize(
    ("ssh", "path", "fact"),
    [
        (
            "options: {ProxyCommand: nc x}",
            "options.ProxyCommand",
            "a topology may not set this option: it starts a program on the machine that ovctl runs on, or loads one",
        ),
        (
            "options: [stricthostkeychecking=no]",
            "options[0]",
            "a topology may not set this option: it chooses which host keys are believed",
        ),
        ("options: {Compresion: yes}", "options.Compresion", "is no option that a topology may set"),
        ("options: {Compression: maybe}", "options.Compression", "'maybe' is no plain value for this option"),
        (
            "options: {Compression: 'yes', compression: 'no'}",
            "options.compression",
            "the option stands twice, first as Compression",
        ),
        ("identity: keys/id", "identity", "'keys/id' is not an absolute path"),
        ("config: '%d/config'", "config", "'%d/config' is not an absolute path"),
        ("config: /a$$b", "config", "'/a$$b' is not an absolute path"),
    ],
)
def test_an_ssh_option_that_is_refused_at_connect_time_is_an_error_before(
    ssh: str, path: str, fact: str, facts_of: Facts, head: str
) -> None:
    whole = head.replace("112.12}", f"112.12, ssh: {{{ssh}}}}}")
    assert [found for found in facts_of(whole=whole) if "is the text" not in found[1]] == [
        (f"hosts.h2.ssh.{path}", fact)
    ]


def test_ssh_options_that_are_plain_are_taken(facts_of: Facts, head: str) -> None:
    ssh = "{config: ~/c, identity: /k/id, options: {proxyjump: 'ops@jump:22', ConnectTimeout: 9, IPQoS: af21}}"
    assert facts_of(whole=head.replace("112.12}", f"112.12, ssh: {ssh}}}")) == []


def test_the_placed_stores_port_is_taken_on_its_host(facts_of: Facts, head: str) -> None:
    store = "{url: 'consul://192.168.112.11:8500', place: {host: h1, image: consul}}"
    whole = head.replace("consul://192.168.112.10:8500", store)
    whole += containers(one("aa", "ports: [8500:80], volumes: [ovctl-store:/x]"), one("bb", "ports: [8500:80]", "h2"))
    assert facts_of(whole=whole) == [
        ("containers.aa.ports[0]", "port 8500/tcp of host h1 is the store's (3:14)"),
        ("containers.aa.volumes[0]", "the volume ovctl-store on host h1 is the store's"),
    ]


def test_a_broken_part_does_not_cascade(facts_of: Facts, head: str) -> None:
    whole = head.replace("subnet: 10.0.1.0/24", "subnett: 10.0.1.0/24").replace("address: 192.168.112.12", "adress: x")
    whole += containers(
        one("aa", "networks: {back: {ipv4_address: 10.0.1.2}}", "h2"),
        one("bb", "networks: {back: {ipv4_address: 10.0.1.2}}, depends_on: [cc]", "h2"),
        "cc: nonsense",
    )
    assert facts_of(whole=whole) == [
        ("hosts.h2.adress", "unknown key"),
        ("networks.back.ipam.config[0].subnett", "unknown key"),
        ("containers.bb.networks.back.ipv4_address", "10.0.1.2 is already the address of container aa (16:68)"),
        ("containers.cc", "expected a mapping, got the text 'nonsense'"),
    ]


def test_a_mistake_in_an_anchor_is_told_once(facts_of: Facts, head: str) -> None:
    more = containers(one("aa", "<<: *x"), one("bb", "<<: *x")) + "\nx-x: &y {}\n"
    whole = "x-x0: &x {restart: sometimes}\n" + head + more
    assert facts_of(whole=whole) == [("containers.aa.restart", "'sometimes' is no restart policy")]
