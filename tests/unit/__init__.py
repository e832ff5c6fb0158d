"""Tests of single parts, without sockets or servers."""
