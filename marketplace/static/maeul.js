// What a page gains where scripts run: a countdown of held times, maps that move, a search from where one is, long work that is seen to go on. Every page is whole without it.
"use strict";

for (const left of document.querySelectorAll("[data-countdown-until]")) countDown(left);
for (const frame of document.querySelectorAll("[data-map]")) enliven(frame);
for (const place of document.querySelectorAll("[data-locate]")) locate(place);
for (const work of document.querySelectorAll("[data-goes-on]")) follow(work);

// Shows the minutes and seconds left; says aloud only that five minutes, then one, are left.
function countDown(left) {
  const until = Date.parse(left.dataset.countdownUntil);
  const voice = left.closest(".hold")?.querySelector("[data-countdown-say]");
  let before = Infinity;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const digits = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
    left.textContent = seconds ? left.dataset.left.replace("%s", digits) : left.dataset.over;
    if (voice) {
      if (seconds <= 300 && before > 300 && seconds > 60) voice.textContent = voice.dataset.countdownSay.replace("%s", Math.ceil(seconds / 60));
      if (seconds <= 60 && before > 60 && seconds) voice.textContent = voice.dataset.countdownSayOne;
      if (!seconds) voice.textContent = left.dataset.over;
    }
    before = seconds;
    if (!seconds) clearInterval(clock);
  };
  const clock = setInterval(tick, 1000);
  tick();
}

// Hands the drawing to Leaflet as one layer. Names and pins keep their size while the land beneath grows.
function enliven(frame) {
  if (!window.L) return;
  const { south, west, north, east, width, tiles, enlarge, reduce } = frame.dataset;
  const drawing = frame.querySelector("svg");
  const bounds = [[+south, +west], [+north, +east]];
  frame.style.aspectRatio = drawing.viewBox.baseVal.width + " / " + drawing.viewBox.baseVal.height;
  frame.classList.add("map__frame--live");
  const map = L.map(frame, { zoomSnap: 0, zoomDelta: 0.75, scrollWheelZoom: false, keyboard: false, zoomControl: false, attributionControl: Boolean(tiles) });
  L.control.zoom({ zoomInTitle: enlarge, zoomOutTitle: reduce }).addTo(map);
  const fit = () => {
    map.invalidateSize({ pan: false });
    map.setMinZoom(0).fitBounds(bounds, { animate: false });
    map.setMinZoom(map.getZoom()).setMaxZoom(map.getZoom() + 6).setMaxBounds(bounds);
  };
  fit();
  if (tiles) L.tileLayer(tiles, { attribution: "© OpenStreetMap" }).addTo(map);
  L.svgOverlay(drawing, bounds, { interactive: true }).addTo(map);
  const keepSizes = () => drawing.style.setProperty("--map-unit", width / drawing.getBoundingClientRect().width);
  map.on("zoomend resize", keepSizes);
  map.on("resize", fit);
  keepSizes();
  for (const control of frame.querySelectorAll("a[role=button], .leaflet-container")) control.tabIndex = -1;
  frame.tabIndex = -1;
}

// Adds a button that asks the device where it is, to a hundred metres: a search goes on from there, a form keeps it to be sent.
function locate(place) {
  if (!navigator.geolocation) return;
  const button = document.createElement("button");
  const answer = document.createElement("p");
  Object.assign(button, { type: "button", className: "govuk-button govuk-button--secondary", textContent: place.dataset.locate });
  Object.assign(answer, { className: "govuk-body" }).setAttribute("role", "status");
  place.append(button, answer);
  const fill = (name, degrees) => {
    const input = place.querySelector(`input[name=${name}]`) ?? Object.assign(document.createElement("input"), { type: "hidden", name });
    input.value = degrees.toFixed(3);
    place.append(input);
  };
  const found = ({ coords }) => {
    fill("latitude", coords.latitude);
    fill("longitude", coords.longitude);
    if (place.dataset.locateDone) answer.textContent = place.dataset.locateDone;
    else place.requestSubmit();
  };
  const excuse = () => (answer.textContent = place.dataset.locateFailed);
  button.addEventListener("click", () => navigator.geolocation.getCurrentPosition(found, excuse, { timeout: 10000 }));
}

// Shows every second how far long work has come, without the page being loaded anew until it is done.
function follow(work) {
  const look = async () => {
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-goes-on]");
      if (!now || !answer.ok) return location.reload();
      work.replaceChildren(...now.childNodes);
    } catch { /* the connection is away: it may come back */ }
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
}
