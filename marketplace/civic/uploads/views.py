"""Files: one's own, and each part as those may see it who may see what it is attached to."""

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import wrap_file

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import policy, queries, schemas, service
from marketplace.civic.uploads.models import Kind, Upload
from marketplace.civic.uploads.service import magic
from marketplace.kernel import files, hooks, storage, things
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, ngettext
from marketplace.web import downloads
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.pages import listed, tell
from marketplace.web.security import takes_files

bp = Blueprint("uploads", __name__)

files.receive_with(service.receive_all)

ALONE = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""What a file may do where it is opened by itself: nothing."""

CACHED = "private, max-age=3600"


@bp.route("/uploads/", methods=["GET", "POST"])
@residents
@takes_files
def mine():
    """One's own files: what each belongs to, and a form to add some."""
    person = current_person()
    with Form(schemas.OwnFiles()) as form:
        if form.submitted:
            if form.data["files"]:
                tell(ngettext("{n} file is added.", "{n} files are added.", len(form.data["files"])))
                return redirect(url_for(".mine"), 303)
            form.refuse("files", _("Choose a file."))
    pages, uploads = listed(queries.of_person(person))
    return form.page(
        "civic/uploads/mine.html",
        uploads=uploads,
        pages=pages,
        used_by=things.find_all({upload.subject for upload in uploads if upload.subject}),
        added=queries.added_today(person),
        most_files=service.MOST_FILES_A_DAY,
        most_bytes=service.MOST_BYTES_A_DAY,
    )


@bp.post("/uploads/<key>/delete")
@residents
def delete(key: str):
    """Delete a file of one's own that belongs to nothing."""
    service.remove(current_person(), key)
    tell(_("The file is deleted."))
    return redirect(url_for(".mine"), 303)


@bp.get("/uploads/<key>/<part>")
@public
def show(key: str, part: str):
    """A picture in one of its sizes, a recording, or a document."""
    upload = queries.by_key(key)
    thing = None if policy.owns(current_person(), upload) or not upload.subject else things.find(upload.subject)
    reveal(policy.may_see, current_person(), upload, thing)
    if not upload.is_ready or part not in upload.shown_as:
        raise NotFound
    return _file(upload, part)


def _file(upload: Upload, part: str) -> Response:
    """The file as we wrote it; a stretch of it if one is asked for, as players do."""
    try:
        stored = storage.store().open(upload.stored(part))
    except storage.Missing:
        raise NotFound from None
    size = magic.size_of(stored)
    response = Response(wrap_file(request.environ, stored), content_type=upload.shown_as[part], direct_passthrough=True)
    response.call_on_close(stored.close)  # also where a browser has it already and nothing is read
    response.content_length = size
    if upload.kind is Kind.DOCUMENT:
        downloads.as_attachment(response, upload.name)
    else:
        response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["Cache-Control"] = CACHED
    response.set_etag(f"{upload.key}.{part}")
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except HTTPException:  # a stretch that is not there
        stored.close()
        raise
    return response


@hooks.account_links.register
def own_files(_person: Person) -> tuple[str, list[tuple[str, str]]]:
    """The way to one's files, for my page."""
    return _("Files"), [(_("Files you added"), url_for("uploads.mine"))]
