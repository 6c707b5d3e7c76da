"""`python -m service.jobs`: the worker that `keepone serve` keeps beside itself."""

from service.jobs.worker import main

main()
