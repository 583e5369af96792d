"""
A topology made from what somebody wrote for something else, or from what runs.

``compose`` translates a Compose file key by key, ``hosts`` what was read of hosts; ``settle`` leaves out what a
topology does not take, ``text`` writes the file. What the model takes is asked of the model: nothing here has a list
of its own. Nothing is dropped without a note.
"""
