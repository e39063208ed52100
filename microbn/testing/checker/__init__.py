"""The rooms behind `gradcheck`. Each imports only rooms that stand before it in this list.

differences, hints, inputs; subjects; variables, byhand, habits; objects; recognize; report;
comparison; blame.
"""
