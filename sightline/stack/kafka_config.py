"""The settings of the local Kafka broker, and the flags of its Java."""

from sightline.stack.ports import LOOPBACK

NODE_ID = 1


def server_properties(log_dir: str, broker_port: int, controller_port: int) -> str:
    """Return `server.properties` of one KRaft node that is broker and controller, on loopback only."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        # A fixed list of voters, because it names the port: the node may come back on another one.
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{broker_port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{broker_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": log_dir,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # After a crash the broker must wait until its former self is given up. The default is 9 s.
        "broker.session.timeout.ms": 4_000,
        "broker.heartbeat.interval.ms": 1_000,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # The default takes 128 MB of a heap of 512.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        # Frames are many and short-lived: look often, so that the disk holds what the topics allow.
        "log.retention.check.interval.ms": 20_000,
        "log.segment.delete.delay.ms": 5_000,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def jvm_flags(heap_mb: int) -> list[str]:
    """Return the Java flags for a broker with a heap of `heap_mb` megabytes."""
    return [
        # Taken at once: what grows later is a fault, and a machine that is too small says so at the start.
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        "-XX:+AlwaysPreTouch",
        # A broker of one machine shares its cores with everything else. The optimising compiler and a
        # collector with threads of its own take almost half of the processor time of a run of 20 s.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "-Dorg.slf4j.simpleLogger.showThreadName=false",
    ]
