"""The UI's `llms.txt` with its URL patterns, in the format of llmstxt.org."""

LLMS_TEXT = """\
# Imbi

> Imbi is an inventory of an organization's software: its projects, the teams that own them, the environments that they
> are deployed to, and what is done to them.

Paths are relative to the UI's address. `{project_id}` is a project's id, not its slug; `{slug}` is a slug.

## Everyday pages

- [Dashboard](/dashboard): what happened lately, and the caller's own projects
- [Projects](/projects): all projects, with filters
- [Project](/projects/{project_id}): one project: owner, attributes, links, score
- [Project's dependencies](/projects/{project_id}/relationships): what it depends on and what depends on it
- [Project's releases](/projects/{project_id}/releases): versions, and which one runs where
- [Project's operations log](/projects/{project_id}/operations-log): what was done to it
- [New project](/projects/new): the form for a new project
- [Teams](/teams): all teams
- [Team](/teams/{slug}): one team, its members and its projects
- [Operations log](/operations-log): what was done to all projects
- [Reports](/reports): scores by team and by project type
- [Profile](/settings/profile): the caller's own profile

## Administration

- [Organizations](/admin/organizations): all organizations
- [Teams](/admin/teams): create and change teams
- [Team](/admin/teams/{slug}): change one team
- [Project types](/admin/project-types): create and change project types
- [Project type](/admin/project-types/{slug}): change one project type
- [Environments](/admin/environments): create and change environments
- [Environment](/admin/environments/{slug}): change one environment
- [Blueprints](/admin/blueprints): the attributes of projects
- [Blueprint](/admin/blueprints/{type}/{slug}): one blueprint
- [Link definitions](/admin/link-definitions): the kinds of links that projects have
- [Users](/admin/users): all users
- [User](/admin/users/{email}): one user
- [Roles](/admin/roles): roles and their permissions
- [Service accounts](/admin/service-accounts): programs that call the API
"""
