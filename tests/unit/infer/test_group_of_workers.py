"""Workers of a simulated group join, leave, fall silent and die by dice, hundreds of times over."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from simulated_group import Answers, Broker, Member, Message

from processors.infer import worker

PARTITIONS = 3
FRAMES = 40
TURNS = 4_000


class Group:
    """Deals the partitions out by range, all of them anew whenever a member comes or goes."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.broker = Broker({p: [] for p in range(PARTITIONS)})
        self.members: list[Member] = []
        self.tasks: dict[Member, asyncio.Task[None]] = {}
        self.positions: dict[Member, dict[int, int]] = {}
        self.due: dict[Member, frozenset[int]] = {}  # to have, once all is given back
        self.joined = 0

    def join(self) -> None:
        answers = Answers(lambda: self.dice.choice((0, 1, 5, 40)))
        member = Member(self.broker, iter(lambda: self.step, None), answers)
        member.delivers = lambda: self.dice.choice((0, 0, 1, 2, 50))
        member.on_close = lambda: self.leave(member)
        self.members.append(member)
        self.positions[member] = {}
        self.tasks[member] = asyncio.ensure_future(member.worker.run(member.stop))
        self.joined += 1
        self.deal()

    def leave(self, member: Member) -> None:
        """It has wound up and goes in good order."""
        if positions := self.positions[member]:
            (member.lose if member.is_fenced else member.revoke)(*positions)
        self._remove(member)

    def die(self, member: Member) -> None:
        member.on_close = lambda: None
        self.tasks[member].cancel()
        # What is on the wire may still arrive, in its order.
        member._deliver(self.dice.randrange(len(member.queue) + 1))
        self._remove(member)

    def _remove(self, member: Member) -> None:
        self.members.remove(member)
        self.due.pop(member, None)
        if self.members:
            self.deal()

    def deal(self) -> None:
        """Nobody gets a partition before all have given theirs back, or are given up for their silence."""
        self.due = {
            member: frozenset(p for p in range(PARTITIONS) if p % len(self.members) == number)
            for number, member in enumerate(self.members)
        }
        for member in self.members:
            if self.dice.random() < 0.2:
                member.is_fenced = True  # it does not know, and works on

    def step(self, member: Member) -> Sequence[Message]:
        """What a call of `consume` does."""
        positions = self.positions[member]
        messages = self._fetch(positions) if self.dice.random() < 0.5 else []
        if member in self.due and self.dice.random() < 0.3:
            if positions:
                (member.lose if member.is_fenced else member.revoke)(*positions)
                positions.clear()
            elif all(m.is_fenced or not self.positions[m] for m in self.due if m is not member):
                member.is_fenced = False
                mine = self.due.pop(member)
                positions |= {p: self.broker.commits.get(p, 0) for p in mine}
                member.assign(*mine)
                return []
        return messages

    def _fetch(self, positions: dict[int, int]) -> list[Message]:
        messages: list[Message] = []
        for partition in positions:
            for _ in range(self.dice.randrange(3)):
                if positions[partition] < FRAMES:
                    messages.append(Message(partition, positions[partition]))
                    positions[partition] += 1
        return messages

    def happen(self) -> None:
        """Now and then somebody comes or goes."""
        what = self.dice.random()
        if what < 0.01 and len(self.members) < 4:
            self.join()
        elif what < 0.02 and len(self.members) > 1:
            self.dice.choice(self.members).stop.set()
        elif what < 0.025 and len(self.members) > 1:
            self.die(self.dice.choice(self.members))

    async def run(self) -> None:
        self.join()
        for _ in range(TURNS):
            self.happen()
            await asyncio.sleep(0)
            if all(self.broker.commits.get(p) == FRAMES for p in range(PARTITIONS)):
                break
        for member in self.members:
            member.on_close = lambda: None
            member.stop.set()
        ends = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends), ends


@pytest.mark.parametrize("seed", range(60))
def test_no_frame_is_stored_before_the_one_that_comes_before_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "IDLE_S", 0)
    monkeypatch.setattr(worker, "COMMIT_INTERVAL_S", 0)
    group = Group(random.Random(seed))
    asyncio.run(group.run())
    for partition in range(PARTITIONS):
        assert group.broker.commits.get(partition) == FRAMES, (group.joined, group.broker.commits)
        assert group.broker.seen(partition) == list(range(FRAMES))
