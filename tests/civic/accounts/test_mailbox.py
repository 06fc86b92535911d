from marketplace.civic.accounts import service
from tests.civic.accounts.conftest import GOOD


def test_in_development_every_letter_is_read_at_the_mailbox(browser, mail):
    service.register("<b>Jiwoo & Co", "jiwoo@example.org", GOOD)
    [(_, _, link)] = mail()
    inbox = browser.get("/dev/mailbox").get_data(as_text=True)
    [path] = {part for part in inbox.split('"') if part.startswith("/dev/mailbox/")}
    letter = browser.get(path).get_data(as_text=True)
    assert f'href="http://localhost{link}"' in letter
    assert "Hello &lt;b&gt;Jiwoo &amp; Co," in letter
    assert browser.get("/dev/mailbox/..%2Fsecret_key").status_code == 404
