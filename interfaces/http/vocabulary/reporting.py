"""The words of metrics and their figures."""

from interfaces.http.vocabulary.word import Word, Words

WORDS: Words = {
    "get_metric.metric": Word("The name of a metric, as `GET /v1/analytics` lists it.", "no_show_rate"),
    "get_metric.from": Word("The first date, local to the provider.", "2030-01-01"),
    "get_metric.to": Word("The last date, included; the period has at most 366 days.", "2030-02-28"),
    "get_metric.group_by": Word(
        "What figures are told apart by: at most two dimensions of the metric, of which one may be a period.", ["month"]
    ),
    "get_metric.organization_id": Word("Only figures of this organization."),
    "get_metric.provider_id": Word("Only figures of this provider."),
    "get_metric.format": Word("The format of the answer."),
    "MetricDescription.name": Word("The name, which never changes.", "no_show_rate"),
    "MetricDescription.title": Word("The name that people read.", "No-shows"),
    "explanation": Word("What the metric says, and what it leaves out.", "Customers who did not come."),
    "MetricDescription.dimensions": Word("What its figures can be told apart by.", ["provider", "month"]),
    "counts_customers": Word(
        "Whether rows are about customers, so that analysts get none about fewer than five of them.", example=True
    ),
    "MetricDescription.measures": Word("Its numbers."),
    "Measure.name": Word("The name, as in `measures` of a row.", "no_shows"),
    "unit": Word(
        "What the number is: a count, minutes, a share from 0 to 1, money in minor units of the row's `currency`, or a"
        " mean."
    ),
    "meaning": Word("What the number says.", "Marked as no-show."),
    "metric": Word("The name of the metric.", "no_show_rate"),
    "MetricFigures.from": Word("The first date, local to the provider.", "2030-01-01"),
    "MetricFigures.to": Word("The last date, included.", "2030-02-28"),
    "MetricFigures.group_by": Word("The dimensions that were asked for.", ["month"]),
    "rows": Word("The figures of each combination that has any, in its order."),
    "MetricRow.dimensions": Word(
        "The value of each dimension: an id, a tag, a channel, an hour, or the first date of a period; and `currency`"
        " where there are amounts. Null: without one, or not recorded.",
        {"month": "2030-01-01"},
    ),
    "MetricRow.measures": Word(
        "The numbers by name. Null: nothing to divide by, or the row is suppressed.",
        {"visits": 190, "no_shows": 10, "share": 0.05},
    ),
    "suppressed": Word(
        "Whether the row is about fewer than five customers, and its measures are withheld from analysts.",
        example=False,
    ),
}
