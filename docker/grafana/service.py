"""The dashboard *Service*: rate, errors and duration of each route, and what runs full."""

from docker.grafana.board import Board, graph, number, quantile, rate, total

REQUESTS, SECONDS = "daybook_http_requests_total", "daybook_http_request_duration_seconds"
CHOSEN = 'operation=~"$operation"'
FAILED = 'status=~"5.."'
GOAL = 'le="0.25"'

WELL = [
    number(
        "Requests",
        "reqps",
        "Requests answered each second. A fall to nothing: see whether nginx, or your own proxy, still sends requests.",
        total(REQUESTS),
    ),
    number(
        "Failed",
        "percentunit",
        "Share of requests answered with 500 to 599. The goal is 0.1 % at most. Above it, see AvailabilityBurn in "
        "docs/runbook.md.",
        f"({total(REQUESTS, FAILED)} or vector(0)) / {total(REQUESTS)}",
    ),
    number(
        "Slower than 250 ms",
        "percentunit",
        "Share of requests that took longer than the goal of 250 ms. Above 1 %, look at the row Saturation, and see "
        "LatencyBurn in docs/runbook.md.",
        f"1 - {total(f'{SECONDS}_bucket', GOAL)} / {total(f'{SECONDS}_count')}",
    ),
    number(
        "API processes",
        "short",
        "API processes that gave a sign of life. Fewer than you started: look at `docker compose ps`, then at the log "
        "of the API.",
        'max(daybook_processes{role="api"})',
    ),
    number(
        "Alerts",
        "short",
        "Alerts that fire now. Each name is a section of docs/runbook.md.",
        'count(ALERTS{alertstate="firing"}) or vector(0)',
    ),
    number(
        "Targets down",
        "short",
        "Processes and exporters that Prometheus cannot reach. Its page Status, Targets names them and the cause.",
        "count(up == 0) or vector(0)",
    ),
]
ROUTES = [
    graph(
        "Requests by operation",
        "reqps",
        "Requests each second, by the operationId of docs/api.md. One that rises alone is usually one client.",
        (total(REQUESTS, CHOSEN, "operation"), "{{operation}}"),
    ),
    graph(
        "Answers by status",
        "reqps",
        "409 and 412 are ordinary: another caller came first. 401, 403 and 429 that rise: somebody calls without "
        "rights or too often. 5xx are faults of Daybook.",
        (total(REQUESTS, CHOSEN, "status"), "{{status}}"),
    ),
    graph(
        "Server errors by operation",
        "reqps",
        "Empty when all is well. 503 of all operations: the database does not answer, or Daybook is overloaded. 500 of "
        "one operation: a fault in it; the log of the API has the traceback.",
        (total(REQUESTS, f"{CHOSEN}, {FAILED}", "operation, status"), "{{operation}} {{status}}"),
    ),
    graph(
        "Duration",
        "s",
        "Half of the requests, 95 % and 99 % were faster. All lines rise: the machine or the database is full. Only "
        "the highest rises: single slow requests.",
        (quantile(0.5, SECONDS, CHOSEN), "50 %"),
        (quantile(0.95, SECONDS, CHOSEN), "95 %"),
        (quantile(0.99, SECONDS, CHOSEN), "99 %"),
    ),
    graph(
        "Duration of 95 % by operation",
        "s",
        "95 % of the requests of an operation were faster. One rises alone: compare it with its rate. All rise "
        "together: see Saturation.",
        (quantile(0.95, SECONDS, CHOSEN, "operation"), "{{operation}}"),
    ),
    graph(
        "Free times by source",
        "ops",
        "Answers of free times: from the memory of the process, from Redis, or computed. Computed ones rise while "
        "Redis is away, and after each change of a calendar.",
        (total("daybook_availability_answers_total", by="source"), "{{source}}"),
    ),
]
SATURATION = [
    graph(
        "Requests in flight and admitted",
        "short",
        "Requests being answered, and how many may be at once. Where the lines meet, others wait or get 503: start "
        "more API processes, or find out what takes the processors.",
        ("sum(daybook_http_requests_in_flight)", "in flight"),
        ("sum(daybook_http_admitted_at_once)", "admitted"),
    ),
    graph(
        "Waiting",
        "s",
        "Delay of the event loop or of pools, and the longest wait for a database connection. Above API_QUEUE_DELAY "
        "(50 ms), Daybook admits fewer requests. Connections alone: slow queries, or DB_POOL_SIZE is too small.",
        ("max(daybook_http_queue_delay_seconds)", "event loop or pools"),
        ("max(daybook_pool_wait_seconds)", "connection"),
    ),
    graph(
        "Refused",
        "reqps",
        "Requests refused by admission control and by the limits of the server. `overloaded` for minutes: start more "
        "API processes. `database`: PostgreSQL answers nobody.",
        (total("daybook_http_shed_total", by="reason"), "{{reason}}"),
        (total("daybook_http_refused_total", by="reason"), "limit: {{reason}}"),
    ),
    graph(
        "Database connections",
        "short",
        "Connections that requests use, all open connections, and the most that PostgreSQL accepts. Near the limit, "
        "lower DB_POOL_SIZE or the number of processes.",
        ("sum(daybook_pool_connections_in_use)", "in use by requests"),
        ("sum(pg_stat_activity_count)", "open"),
        ("max(pg_settings_max_connections)", "limit"),
    ),
    graph(
        "Processors and memory of the host",
        "percentunit",
        "Share in use. Processors above 90 % for long: add some, or move other programs away. Memory above 90 %: Linux "
        "may kill a process.",
        (f"1 - avg({rate('node_cpu_seconds_total', 'mode=' + chr(34) + 'idle' + chr(34))})", "processors"),
        ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "memory"),
    ),
    graph(
        "Disk in use",
        "percentunit",
        "Share of each file system in use. A full disk stops PostgreSQL, and with it every command: see DiskFull in "
        "docs/runbook.md.",
        (
            'max by (mountpoint) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"} / node_filesystem_size_bytes)',
            "{{mountpoint}}",
        ),
    ),
    graph(
        "Memory of Redis",
        "bytes",
        "Memory of the cache and of the broker. The cache may reach its limit: it drops old answers. A broker that "
        "grows holds messages that nobody takes: see QueueWithoutWorker in docs/runbook.md.",
        ("max by (service) (redis_memory_used_bytes)", "{{service}}"),
    ),
    graph(
        "Sign-ins and requests refused",
        "ops",
        "Wrong passwords, invalid tokens, missing permissions, too many requests. A steep rise: somebody tries "
        "passwords. The security log has the networks, as keyed hashes.",
        (
            total("daybook_security_events_total", 'kind=~"login_failed|token_refused|denied|limited"', "kind"),
            "{{kind}}",
        ),
    ),
    graph(
        "Connections of nginx",
        "short",
        "Open connections; empty without nginx. A rise without a rise in requests: slow clients, which the time "
        "limits end.",
        ("sum(nginx_connections_active)", "open"),
    ),
]
BOARD = Board(
    "service",
    "Service",
    "Does Daybook answer, how fast, and what runs full?",
    [("Is it well?", WELL), ("Routes", ROUTES), ("Saturation", SATURATION)],
    {"operation": REQUESTS},
)
