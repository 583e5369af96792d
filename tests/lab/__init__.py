"""Tests on real hosts: a lab of this machine, brought up once for the whole run."""
