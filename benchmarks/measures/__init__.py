"""One module for each thing that is measured.

``measure(job)`` runs in a process of its own, under the interpreter of the tool, and gives what becomes JSON.
"""
