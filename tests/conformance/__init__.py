"""
What the ports promise, as claims that run against the fakes and against real hosts.

A claim that holds for one only is a mistake in the fake: real engines are right.
"""
