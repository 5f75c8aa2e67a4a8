r"""The spool: the local durable queue between the services of a host and its ledger. This page is the format's specification.

It holds lines of bytes and does not look into them: what a line says is `meter.event`'s business. A service only writes. Any
number of processes write into one folder without knowing of each other; a reader, one at a time, takes what is whole and
deletes what is finished.

1. Files
--------
The folder `$METER_HOME/spool` lies on a local file system (on NFS, appends of two hosts overwrite each other) and has:

    <name>.ndjson   a segment: the lines of one process, appended
    <name>.state    its state: 4,096 bytes, rewritten in place

`<name>` is 128 random bits from the system as 32 hex digits: unique over hosts and containers that share the folder, and never
used twice, so a checkpoint kept under the name cannot meet another file. A reader opens regular files only, and never through a
link. What else is called `*.ndjson` (a FIFO, a link, a name of other signs than hex digits) is listed as not readable; every
other file is ignored.

Files have mode 0600, in a shared home 0640, whatever the umask; the folder and its mode are the home's business.

2. A record
-----------
A record is a newline, one line, a newline, handed to the system in ONE `write` on a descriptor opened `O_APPEND`:

    \n{"v":1,"kind":"call",...}\n

The line has no newline in it (in JSON it can only be white space: a writer puts a blank) and at most 4 MiB (4,194,304 bytes). The
system appends whole writes one after the other, between threads as between processes, so nobody needs a lock to write.

A full disk, a quota or a dying disk can cut a write short. What was written stays, and is a torn line; the record may be
written again, whole. The newline in front keeps the torn line from swallowing its neighbour. If only the last newline is
missing, the record counts as written: the next one brings a newline, and section 5 says what is done at a segment's end.

By habit the first line of a segment describes the process (kind `process`); no reader may count on it.

3. Writing: the life of a segment
---------------------------------
A writer makes a segment at its first record, in this order:

  a. create `<name>.ndjson` with O_CREAT | O_EXCL | O_APPEND;
  b. take a shared `flock` on it without waiting, and hold it for as long as lines may come: this lock is what tells a reader
     that the writer lives;
  c. look at `st_nlink`: between a and b a reader may have found the file unlocked and deleted it. If the lock is refused or the
     link count is 0, leave the file and begin again with another name;
  d. write the first line, and the state with all its 4,096 bytes. If either fails, delete both: all or nothing.

It replaces the segment, in the same order, with the first record after it has grown to 4 MiB or ten minutes (an eighth of the
folder's limit, where that is less; both are checked before a record is written, so a segment can be one record longer). The old
one is let go, never touched again, and so can be deleted.

Before it replaces or makes a segment a writer adds up the files in the folder. At the limit (`METER_SPOOL_MAX_BYTES`) it takes a
new segment all the same, lets go of the old one so that a reader can free its room, but writes no line: records are lost, counted
in that segment's state and logged, until the folder, looked at once a second, has room again. So the folder can pass its limit
by what its writers still had open: one segment each.

A failure of the system is counted, under `spool.<errno>`, and never raised. A failed write loses the record at hand; a segment
that cannot be replaced stays in use; where there is none and none can be made, records are lost, and it tries again after 0.1 s.

The descriptor. It sits high (from 512 up, where the process may have so many), is close-on-exec, and its NUMBER is never given
back while the process lives: the next segment is put there with `dup2`, atomically, so a thread writing at that moment writes
to the old segment or the new one. Before each write the writer compares `fstat` (mode, device, inode, links) with what it put
there, since the host may have closed the number (a daemon does), put a file of its own there, or deleted the segment: then it
begins a new segment, at a new number if the old one is lost. A write refused with EBADF says the same.

A writer that stops (uninstall) puts the same file there once more, opened anew and so without the lock: a thread between its
check and its write still writes to the segment, and a reader looks at the size again before it deletes.

Fork. The child gets the parent's descriptor and, with it, the parent's lock. It replaces the descriptor at once (with
`/dev/null`) and never unlocks it: unlocking would free the parent's lock too. Its first record begins a segment of its own. A
child that knows nothing of this (forked in C, without Python's hooks) appends to its parent's segment, and that is right too: the
lock lives as long as either.

`METER_SYNC=call`: an `fdatasync` after each record, and an `fsync` of the folder after a segment is made. Without it a record
outlives the process, however it dies, but not a power cut within the next seconds.

4. The state
------------
One JSON object, padded with blanks to 4,095 bytes, and a newline. All that it counts is this segment's share: states add up.

    v                   1
    seq, end            the number of this rewriting, as first-but-one and as last field: unlike when a reader catches a rewriting
                        half-way; it reads again
    pid, host           of the writer; `started`, `updated`: microseconds since 1970, UTC
    closed              true when the writer let go of the segment; false for ever when it was killed
    bytes_written       size of the segment at `updated`. Now and at the end the file's own size is the truth
    lines               records written at `updated`, the first line included. A record written while the segment is being
                        replaced may count for its neighbour; over a process the sum is exact
    lost, lost_bytes    records not written, and their length: EXACT AT ALL TIMES, rewritten before `append` returns
    failures            {step: count}: the process's failures (hooks that broke, say), and this writer's own (`spool.<errno>`,
                        `spool.short`, `spool.full`, `spool.oversized`, `spool.sync`). Only the most frequent when they do not fit
    versions            {name: version}

It is rewritten when a record was lost; with the first record after a second; and when the segment is let go. Not with every
record: that costs as much again as the record, and tells nothing that the segment's size does not. So after a `kill -9` `lines`
and `failures` may be a second of work behind; records are not.

What a writer that cannot make any segment loses is carried in memory into the first state it can write, and logged meanwhile.
A state that is missing, torn, of another `v` or beyond belief is no obstacle: its segment is read all the same.

5. Reading
----------
A checkpoint is a byte offset in a segment, 0 at first; keep it in the same transaction as the rows. For each segment:

  a. ASK FIRST whether the writer is gone: open the segment and try `flock(LOCK_EX | LOCK_NB)`. Refused: it lives. Given: it is
     gone, however it died. Close the descriptor again: a lock held for long would turn new writers away. (Two readers that ask at
     the same moment can see each other; then it is gone the next time.)
  b. THEN READ to the end: a window of 8 MiB from the checkpoint, cut after its last newline; the rest waits. Blank lines are
     skipped; a line that cannot be decoded is torn: a dead letter. The checkpoint moves by what was taken.
     - A full window without a newline is none of a writer's lines (they have at most half of that): zeros, as a file system
       leaves them after a power cut. It is passed over whole, as one dead letter with a reason.
     - At the end of a segment whose writer was gone BEFORE it was read, a tail without a newline is a line like any other.
  c. THEN DELETE, if it was gone: open it, take the lock as in a and hold it, see that the size is still what was read, neither
     more nor less, delete the state, delete the segment, close. Take over `lost` and `failures` from the state in the
     transaction of the last checkpoint.

A segment that is shorter than its checkpoint was cut or replaced, never by a writer (by a log rotation that copies and
truncates, say): read it again from its beginning, where ids keep a call from counting twice, and say so.

A segment that may not be read (another user's, in a private home put in common) is listed as such, never skipped in silence.

Windows has neither `flock` nor `fork`: the writer is gone when the process `pid` of the state is, on this `host`; without a state
it is taken to live.

The code: `writer.Writer` appends; `reader.segments`, `read_window` and `whole_lines` read; `state.State` is section 4.
"""

from __future__ import annotations

from meter.spool.reader import Segment, Window, read_window, segments, whole_lines
from meter.spool.state import State
from meter.spool.writer import Writer

__all__ = ["Segment", "State", "Window", "Writer", "read_window", "segments", "whole_lines"]
