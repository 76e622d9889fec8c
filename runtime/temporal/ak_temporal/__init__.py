"""Sessions of `ak` on a Temporal cluster: the same bundles, the same runner, a step recorded by Temporal.

host.py     processes that hold programs, and one-line-at-a-time talk with them
shared.py   the folder that deploy and workers share: bundles, deployments, large values
session.py  the workflow: one generic definition, one execution a session
records.py  what a session remembers, in the embedded journal's words
perform.py  the activities: recorded calls, and what a session asks the project for
project.py  the workflow that keeps a project's keys and subscriptions
look.py     what is on the cluster, as the API shows it; serve.py: behind `ak serve --engine temporal`
worker.py   a worker process; start.py, deploy.py, migrate.py: what clients do
"""
