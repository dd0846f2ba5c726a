"""The section of tags: the words by which providers and services are found."""

from interfaces.admin.sections.section import Column, Input, PanelForm, Section

TAGS = Section(
    name="tags",
    listing="list_tags",
    columns=(Column("name"), Column("slug"), Column("aliases"), Column("providers"), Column("services")),
    card="get_tag",
    facts=(Column("slug"), Column("aliases")),
    create=PanelForm(operation="create_tag", inputs=(Input("slug", required=True), Input("name"))),
    forms=(
        PanelForm(operation="replace_tag", inputs=(Input("name", required=True), Input("slug", required=True))),
        PanelForm(operation="merge_tag", inputs=(Input("into", required=True),), dangerous=True, ends=True),
        PanelForm(operation="delete_tag", dangerous=True, ends=True),
    ),
)
