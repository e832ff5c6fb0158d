"""The benchmark's compiled half: it sends, drains and answers with feedback, without the GIL."""
