#!/usr/bin/env python3
"""Drives the page of a running `gpt serve` with headless Chromium and checks what a person would do with it.

    python3 check_page.py --url http://127.0.0.1:8080/ --screenshots /tmp/screenshots
    python3 check_page.py --url http://127.0.0.1:8080/ --explanation explanation.html   # also a file of `gpt explain --html`

The driver types a prompt, generates, stops, hovers over a token, continues with an alternative, chooses layers and
heads, switches the theme, measures the drawing of heads, and looks at the browser's log. Views that the models of the
server do not have (chat, classifier, translator) are skipped. It prints each check and exits with 0 only if all hold.
It requires selenium (`pip install selenium`), Chromium and chromedriver.
"""

import argparse
import shutil
import sys
import time
import traceback
import urllib.request
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

WIDTHS = {360: 740, 768: 1024, 1440: 900}

# Milliseconds in which a head of so many tokens has to be drawn.
DRAWING_LIMITS = {256: 50, 1024: 300}

# Counts how often the text grows, and presses Stop when it has a number of new tokens.
WATCH_TEXT = """
  const [limit] = arguments, text = document.getElementById('text');
  window.growths = 0;
  new MutationObserver((records, observer) => {
    const added = text.querySelectorAll('.token:not(.prompt)').length;
    if (!added) return;
    window.growths += 1;
    if (limit && added >= limit) { observer.disconnect(); document.getElementById('stop').click(); }
  }).observe(text, { childList: true });
"""

# Draws a made-up head several times and returns the slowest time of the drawing in milliseconds.
DRAW_MADE_UP_HEAD = """
  const [size] = arguments;
  const bytes = Uint8Array.from({ length: size * size }, (_, index) => index * 31 % 256);
  const canvas = document.getElementById('pattern');
  performance.clearMeasures('draw-head');
  for (let round = 0; round < 5; round += 1) drawHead(canvas, { bytes, queries: size, keys: size });
  return Math.max(...performance.getEntriesByName('draw-head').map(entry => entry.duration));
"""

LAST_DRAWING = """
  const entry = performance.getEntriesByName('draw-head').at(-1);
  return entry && { duration: entry.duration, queries: entry.detail.queries, keys: entry.detail.keys };
"""

COLOURS_OF_CANVAS = """
  const canvas = document.getElementById('pattern');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(new Uint32Array(data.buffer)).size;
"""

UNNAMED_CONTROLS = """
  return [...document.querySelectorAll('button, input, select, textarea, canvas[tabindex]')].filter(control =>
    !control.textContent.trim() && !control.getAttribute('aria-label') && !control.labels?.length
  ).map(control => control.outerHTML.slice(0, 80));
"""


class Checks:
    """Prints each check and remembers those that failed."""

    def __init__(self):
        self.failures = []

    def check(self, holds, what, detail=""):
        print(f"{'ok    ' if holds else 'FAILED'} {what}{f' ({detail})' if detail else ''}", flush=True)
        if not holds:
            self.failures.append(what)


class Page:
    """The page in the browser, with the actions of a person."""

    def __init__(self, browser, checks, screenshots):
        self.browser = browser
        self.check = checks.check
        self.screenshots = screenshots

    def get(self, identifier):
        return self.browser.find_element(By.ID, identifier)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, identifier):
        return self.get(identifier).text

    def run(self, script, *values):
        return self.browser.execute_script(script, *values)

    def wait(self, condition, seconds=30):
        """True when the condition holds within the time."""
        try:
            return bool(WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition()))
        except (WebDriverException, IndexError) as failure:  # a timeout, or an element that never came
            print(f"       waited in vain: {type(failure).__name__}")
            return False

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def click(self, element):
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def hover(self, element):
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.browser).move_to_element(element).perform()

    def type(self, identifier, text):
        field = self.get(identifier)
        field.clear()
        field.send_keys(text)

    def is_shown(self, identifier):
        return self.get(identifier).is_displayed()

    def open_view(self, view):
        self.click(self.get(f"tab-{view}"))

    def has_view(self, view):
        return bool(self.all(f"#tab-{view}"))

    def is_idle(self):
        return not self.get("stop").is_enabled() and not self.get("chat-stop").is_enabled()

    def tokens(self):
        return self.run("return state.tokens.map(token => [token.id, token.piece])")

    def set_width(self, width):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": width < 600})

    def photograph(self, name):
        """Writes the view at each width and checks that nothing is wider than the screen."""
        for width in WIDTHS:
            self.set_width(width)
            self.run("scrollTo(0, 0)")
            time.sleep(0.2)
            excess = self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            self.check(excess <= 0, f"{name} fits into {width} px", f"{excess} px too wide" if excess > 0 else "")
            if self.screenshots:
                self.write_screenshot(f"{name}-{width}.png")
        self.set_width(1440)

    def write_screenshot(self, file_name):
        """The whole document, not only the part on the screen."""
        height = self.run("return Math.min(4000, document.documentElement.scrollHeight)")
        width = self.run("return document.documentElement.clientWidth")
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": max(height, 300), "deviceScaleFactor": 1, "mobile": width < 600})
        time.sleep(0.15)
        self.browser.save_screenshot(str(self.screenshots / file_name))
        self.set_width(width if width in WIDTHS else 1440)

    def errors_in_log(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


# ---- The checks ----

def check_policy(page, url):
    with urllib.request.urlopen(url) as response:
        policy = response.headers.get("Content-Security-Policy", "")
        source = response.read().decode()
    page.check("default-src 'none'" in policy and "unsafe" not in policy, "the page has a strict CSP")
    page.check(source.count("<script>") == source.count("<style>") == 1, "it has one style and one script")
    forbidden = [word for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", " onclick=")
                 if word in source]
    page.check(not forbidden, "data never becomes HTML, and no style or handler is an attribute", ", ".join(forbidden))


def check_names(page):
    unnamed = page.run(UNNAMED_CONTROLS)
    page.check(not unnamed, "each control has a name", ", ".join(unnamed))


def check_keyboard(page):
    """The Tab key reaches the prompt and the Generate button, with a visible focus."""
    page.run("document.activeElement.blur(); scrollTo(0, 0)")
    reached = []
    for _ in range(12):
        page.press(Keys.TAB)
        reached.append(page.run("return document.activeElement.id"))
        if reached[-1] == "generate":
            break
    outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
    page.check("prompt" in reached and reached[-1] == "generate", "the Tab key reaches prompt and Generate")
    page.check(outline == "solid", "the focus is visible", outline)


def check_streaming(page, prompt):
    page.type("sampling-max_tokens", "2000")
    page.type("prompt", prompt)
    page.run(WATCH_TEXT, 40)
    page.click(page.get("generate"))
    grows = page.wait(lambda: page.run("return window.growths > 1"), 60)
    page.check(grows, "the text arrives as a stream", f"{page.run('return window.growths')} parts")
    page.check(page.wait(page.is_idle), "Stop ends the generation")
    length = len(page.tokens())
    time.sleep(0.5)
    page.check(len(page.tokens()) == length < 2000, "no token arrives after Stop", f"{length} tokens")
    shown = page.run("return document.getElementById('text').textContent")
    page.check(prompt in shown, "the text contains the prompt")
    coloured = page.run("return [...document.querySelectorAll('#text .token')].filter(token => "
                        "Number(token.style.getPropertyValue('--share')) > 0).length")
    page.check(coloured > length / 4, "tokens are coloured by surprise", f"{coloured} of {length}")
    status = page.text("text-status")
    page.check("bits of surprise" in status, "the status tells the surprise", status)


def check_tap(page):
    """On a phone a tap opens the popover, at the lower edge of the screen."""
    page.set_width(360)
    token = page.all("#text .token")[3]
    page.click(token)
    page.check(page.wait(lambda: page.is_shown("popover"), 5), "a tap opens the popover on a phone")
    box = page.run("return document.getElementById('popover').getBoundingClientRect().toJSON()")
    page.check(box["left"] >= 0 and box["right"] <= 360 and box["top"] >= 0, "the popover fits on the screen")
    if page.screenshots:
        page.browser.save_screenshot(str(page.screenshots / "popover-360.png"))
    page.press(Keys.ESCAPE)
    page.set_width(1440)


def check_popover(page):
    tokens = page.all("#text .token")
    page.hover(tokens[len(tokens) // 2])
    page.check(page.wait(lambda: page.is_shown("popover"), 5), "hovering over a token opens the popover")
    rows = page.all("#popover .bar")
    page.check(2 <= len(rows) <= 10, "the popover shows the most probable tokens", f"{len(rows)} rows")
    page.check("id " in page.text("popover") and "bits" in page.text("popover"), "the popover shows id and surprise")
    page.press(Keys.ESCAPE)
    page.check(not page.is_shown("popover"), "Esc closes the popover")
    page.hover(page.get("generate"))
    time.sleep(0.4)
    page.run("arguments[0].focus()", tokens[0])
    page.press(Keys.ARROW_RIGHT)
    index = page.run("return document.activeElement.dataset.index")
    page.check(index == "1" and page.is_shown("popover"), "the arrow keys move between tokens and open the popover")
    page.press(Keys.ARROW_DOWN)
    in_popover = page.run("return document.getElementById('popover').contains(document.activeElement)")
    page.check(in_popover, "the down arrow enters the popover")
    page.press(Keys.ESCAPE)
    page.check(page.run("return document.activeElement.dataset.index") == "1", "Esc returns to the token")


def check_alternative(page):
    """A click on another token of the popover continues from there."""
    before = page.tokens()
    position = max(1, len(before) - 15)
    page.type("sampling-max_tokens", "60")
    page.hover(page.all("#text .token")[position])
    page.wait(lambda: page.is_shown("popover"), 5)
    page.click(page.all("#popover button.bar:not(.current)")[0])
    page.check(page.wait(page.is_idle, 120), "the continuation ends")
    after = page.tokens()
    page.check(after[:position] == before[:position], "the text before the chosen token is kept")
    page.check(after[position][0] != before[position][0], "the chosen token replaces the old one",
               f"{before[position][1]!r} -> {after[position][1]!r}")
    page.check(len(after) > position + 1, "the model continues after the chosen token")
    # The pointer is over the new tokens, and their popover covers what comes next.
    page.hover(page.get("generate"))
    page.wait(lambda: not page.is_shown("popover"), 5)


def check_symbols(page):
    page.click(page.get("symbols"))
    page.check("·" in page.text("text"), "whitespace is shown as symbols")
    page.photograph("write")
    page.click(page.get("symbols"))
    page.check("·" not in page.text("text"), "the symbols can be switched off")


def check_attention(page, name="attention"):
    page.open_view("attention")
    page.check(page.wait(lambda: page.is_shown("pattern")), "the attention view draws a head")
    layers, heads = (len(Select(page.get(name)).options) for name in ("layer", "head"))
    Select(page.get("layer")).select_by_index(layers - 1)
    Select(page.get("head")).select_by_index(heads - 1)
    thumbnails = "#thumbnails button[aria-pressed='true']"
    page.check(page.wait(lambda: page.all(thumbnails) and page.all(thumbnails)[0].text.endswith(str(heads - 1))),
               "a layer and a head can be chosen", f"{layers} layers, {heads} heads")
    page.check(page.run(COLOURS_OF_CANVAS) > 1, "the canvas shows a pattern")
    page.run("document.getElementById('pattern').focus()")
    before = page.text("readout")
    page.press(Keys.ARROW_UP)
    page.check(page.text("readout") != before, "the arrow keys choose another query", page.text("readout"))
    before = page.text("readout")
    page.click(page.get("pattern"))
    page.check(page.text("readout") != before, "a click chooses query and key", page.text("readout"))
    page.photograph(name)


def check_drawing_times(page):
    drawn = page.run(LAST_DRAWING)
    print(f"       last drawing: {drawn['queries']} x {drawn['keys']} in {drawn['duration']:.1f} ms")
    page.run(DRAW_MADE_UP_HEAD, 64)
    for size, limit in DRAWING_LIMITS.items():
        slowest = page.run(DRAW_MADE_UP_HEAD, size)
        page.check(slowest < limit, f"a head of {size} tokens is drawn in less than {limit} ms", f"{slowest:.1f} ms")
    page.run("redrawCanvases()")


def check_whole_context(page, models, prompt):
    """The model with the longest context: a text that fills 1,024 tokens of it, or the whole context."""
    decoders = [entry for entry in models if entry["kind"] == "decoder" and entry["context_length"]]
    if not decoders:
        return
    entry = max(decoders, key=lambda entry: min(1024, entry["context_length"]))
    choose_model(page, entry["id"])
    page.open_view("write")
    size = min(1024, entry["context_length"])
    page.type("sampling-max_tokens", str(max(1, size - len(prompt))))
    page.type("prompt", prompt)
    page.click(page.get("generate"))
    page.check(page.wait(page.is_idle, 300), f"{entry['id']} fills its context", f"{len(page.tokens())} tokens")
    page.open_view("attention")
    page.wait(lambda: page.is_shown("pattern"), 120)
    drawn = page.run(LAST_DRAWING)
    limit = DRAWING_LIMITS[256] if drawn["queries"] <= 256 else DRAWING_LIMITS[1024]
    page.check(drawn["duration"] < limit, f"a head of {drawn['queries']} tokens of {entry['id']} is drawn in time",
               f"{drawn['duration']:.1f} ms")
    last = f"#thumbnails button:nth-child({entry['heads']}) canvas"
    page.check(page.wait(lambda: int(page.all(last)[0].get_attribute("width")) > 1, 120), "all thumbnails are drawn")
    page.photograph("attention-long")
    page.open_view("lens")
    page.check(page.wait(lambda: page.all("#lens-table td"), 120), "the logit lens of the whole context is shown")


def check_heads(page):
    page.wait(lambda: page.all("#heads tbody tr"))
    rows = page.all("#heads tbody tr")
    page.check(len(rows) > 0, "the table of heads is filled", f"{len(rows)} heads")
    for column in range(2, 5):
        page.click(page.all(f"#heads thead th:nth-child({column}) button")[0])
        page.wait(lambda: page.all(f"#heads thead th:nth-child({column})[aria-sort='descending']"))
        values = [float(cell.text) for cell in page.all(f"#heads tbody td:nth-child({column})")]
        page.check(values == sorted(values, reverse=True), f"the table is sorted by column {column}")
    button = page.all("#heads tbody button")[-1]
    name = button.text
    page.click(button)
    page.check(page.wait(lambda: page.run("return `layer ${chosen.layer}, head ${chosen.head}`") == name),
               "a click on a head draws it", name)


def check_lens(page, name="lens"):
    page.open_view("lens")
    page.check(page.wait(lambda: page.all("#lens-table td")), "the logit lens is filled")
    layers, rows = page.run("return state.model.layers"), page.all("#lens-table tbody tr")
    page.check(len(rows) == layers + 1, "it has the embeddings and each layer", f"{len(rows)} rows")
    page.hover(page.all("#lens-table tbody tr:last-child td")[3])
    page.wait(lambda: page.is_shown("popover"), 5)
    page.check(len(page.all("#popover .bar")) == 5, "hovering over a cell shows five tokens")
    page.press(Keys.ESCAPE)
    page.photograph(name)


def check_training(page):
    if not page.has_view("training"):
        print("       no training record")
        return
    page.open_view("training")
    page.check(page.wait(lambda: page.all("#charts polyline")), "the loss curve is drawn", page.text("training-status"))
    page.photograph("training")
    if "running" in page.text("training-status"):
        before = page.text("training-status")
        page.check(page.wait(lambda: page.text("training-status") != before, 10), "the loss curve is refreshed")


def check_theme(page):
    def colour():
        return page.run("return getComputedStyle(document.body).backgroundColor")

    before = colour()
    page.click(page.get("theme"))
    page.check(colour() != before, "the theme can be switched", f"{before} -> {colour()}")
    page.open_view("write")
    tokens = page.all("#text .token")
    page.hover(tokens[len(tokens) // 2])
    page.wait(lambda: page.is_shown("popover"), 5)
    if page.screenshots:
        page.write_screenshot("write-dark-1440.png")
    page.press(Keys.ESCAPE)
    check_attention(page, "attention-dark")
    page.click(page.get("theme"))
    page.check(colour() == before, "the theme can be switched back")


def choose_model(page, identifier):
    select = Select(page.get("model"))
    if page.get("model").is_enabled():
        select.select_by_value(identifier)
    page.wait(lambda: page.run("return state.model.id") == identifier)


def check_chat(page, entry):
    choose_model(page, entry["id"])
    page.open_view("chat")
    page.type("sampling-max_tokens", "40")
    page.type("message", "Hello")
    page.press(Keys.ENTER)
    page.wait(lambda: page.all("#messages li.assistant span"))
    page.check(page.wait(page.is_idle, 120) and page.run("return conversation.length") == 2, "the chat model answers")
    page.photograph("chat")


def check_classifier(page, entry):
    choose_model(page, entry["id"])
    page.type("read-text", "A good film, and not too long.")
    page.click(page.get("read-action"))
    page.check(page.wait(lambda: len(page.all("#labels .bar")) == len(entry["labels"])), "each label has a bar")
    page.photograph("classify")
    check_full_attention(page, "classifier")


def check_translator(page, entry, sentence):
    choose_model(page, entry["id"])
    page.type("read-text", sentence)
    page.click(page.get("read-action"))
    page.check(page.wait(lambda: page.all("#alignment line")), "the translator aligns", page.text("translation"))
    page.photograph("translate")
    check_full_attention(page, "translator")
    for kind in ("encoder", "decoder", "cross"):
        Select(page.get("kind")).select_by_value(kind)
        page.check(page.wait(lambda: page.run(
            "const pattern = shownPattern, kind = chosen.kind;"
            "return kind === arguments[0] && pattern.queries === queriesOf(kind).length"
            "  && pattern.keys === keysOf(kind).length", kind)), f"{kind} attention is drawn")


def check_encoder(page, entry):
    choose_model(page, entry["id"])
    page.type("read-text", "The fox walked home.")
    page.click(page.get("read-action"))
    page.check(page.wait(lambda: page.all("#read-tokens .token")), "the encoder shows tokens")
    check_full_attention(page, "encoder")


def check_full_attention(page, name):
    page.open_view("attention")
    page.check(page.wait(lambda: page.is_shown("pattern")), f"the {name}'s attention is drawn", page.text("readout"))
    page.photograph(f"attention-{name}")


def check_other_kinds(page, models, options):
    for entry in models:
        if entry["has_chat_template"]:
            check_chat(page, entry)
        if entry["kind"] == "classifier":
            check_classifier(page, entry)
        if entry["kind"] == "translator":
            check_translator(page, entry, options.sentence)
        if entry["kind"] in ("encoder", "masked"):
            check_encoder(page, entry)
        if entry["kind"] == "counted":
            choose_model(page, entry["id"])
            page.check(not page.has_view("attention"), "a counted model only generates")


def check_failure(page, entry, prompt):
    """A prompt that is longer than the context: the server's message stands in a line below the buttons."""
    choose_model(page, entry["id"])
    page.open_view("write")
    page.run("document.getElementById('prompt').value = arguments[0].repeat(arguments[1])",
             prompt, entry["context_length"])
    page.click(page.get("score"))
    page.check(page.wait(lambda: page.is_shown("write-error")), "a failure is shown", page.text("write-error"))
    page.photograph("failure")
    page.browser.get_log("browser")  # the browser reports the status 400 of this request


def check_explanation(page, path):
    """A file of `gpt explain --html`, without a server."""
    page.browser.get(path.resolve().as_uri())
    page.check(page.wait(lambda: page.all("#text .token")), "the file shows its tokens without a server")
    page.hover(page.all("#text .token")[5])
    page.wait(lambda: page.is_shown("popover"), 5)
    page.check(len(page.all("#popover .bar")) > 1, "alternatives are shown")
    page.check(not page.all("#popover button"), "they are not buttons, as nothing can be generated")
    page.press(Keys.ESCAPE)
    page.photograph("explanation")
    check_attention(page, "explanation-attention")
    check_heads(page)
    check_lens(page, "explanation-lens")
    page.check(not (errors := page.errors_in_log()), "the log of the file has no error", "; ".join(errors))


# ---- The run ----

def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", required=True, help="address of the running server")
    parser.add_argument("--model", help="id of the decoder model to use (the first one)")
    parser.add_argument("--prompt", default="Once upon a time", help="a prompt that the model's tokenizer can encode")
    parser.add_argument("--sentence", default="the third of March, 1998", help="a sentence for the translator")
    parser.add_argument("--explanation", type=Path, help="a file of `gpt explain --html` to check too")
    parser.add_argument("--screenshots", type=Path, help="directory for screenshots")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--chromedriver", default=shutil.which("chromedriver"))
    return parser.parse_args()


def start_browser(options):
    settings = webdriver.ChromeOptions()
    settings.binary_location = options.chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        settings.add_argument(flag)
    settings.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(settings, Service(options.chromedriver))


def check_server(page, options):
    check_policy(page, options.url)
    page.set_width(1440)
    page.browser.get(options.url)
    page.check(page.wait(lambda: page.run("return state.model !== null")), "the page shows a model")
    models = page.run("return state.models")
    decoder = next(entry for entry in models if entry["kind"] == "decoder" and options.model in (None, entry["id"]))
    choose_model(page, decoder["id"])
    check_keyboard(page)
    check_streaming(page, options.prompt)
    check_popover(page)
    check_tap(page)
    check_alternative(page)
    check_symbols(page)
    check_attention(page)
    check_drawing_times(page)
    check_heads(page)
    check_lens(page)
    check_training(page)
    check_theme(page)
    check_names(page)
    check_whole_context(page, models, options.prompt)
    check_other_kinds(page, models, options)
    page.check(not (errors := page.errors_in_log()), "the browser's log has no error", "; ".join(errors))
    if decoder["context_length"]:
        check_failure(page, decoder, options.prompt)


def main():
    options = arguments()
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    browser = start_browser(options)
    try:
        page = Page(browser, checks, options.screenshots)
        check_server(page, options)
        if options.explanation:
            check_explanation(page, options.explanation)
    except WebDriverException as failure:
        traceback.print_exc(limit=-4)
        checks.check(False, "the driver reaches the end", type(failure).__name__)
    finally:
        browser.quit()
    print(f"{len(checks.failures)} checks failed." if checks.failures else "All checks hold.")
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())
