"""Runs a command in a terminal of its own: in-terminal.py EXPECTED ANSWER COMMAND...

Sends ANSWER each time EXPECTED is first seen (an empty one is never sent), prints all that the terminal showed, and ends as the command did.
"""

import os
import pty
import sys

expected, answer, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
is_answered = not expected
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if not is_answered and expected.encode() in shown:
        is_answered = True
        os.write(terminal, answer.encode().decode("unicode_escape").encode())
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status) % 256)
