// Records the microphone, or the camera as well, into a file field: start, stop, listen, again. Without it the field still takes a file.

const FORMATS = {
  audio: ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"],
  video: ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
};

for (const recorder of document.querySelectorAll("[data-recorder]")) enliven(recorder);

function enliven(recorder) {
  const input = document.getElementById(recorder.dataset.into);
  const kind = recorder.dataset.recorder;
  const type = window.MediaRecorder && FORMATS[kind].find(format => MediaRecorder.isTypeSupported(format));
  if (!input || !type || !navigator.mediaDevices?.getUserMedia) return;

  const part = name => recorder.querySelector(`[data-${name}]`);
  const [view, left, status, start, stop, again, drop] =
    ["view", "left", "status", "start", "stop", "again", "drop"].map(part);
  const longest = Number(recorder.dataset.longest);
  let media, recorded, playing, clock;

  recorder.hidden = false;
  view.hidden = true;
  start.addEventListener("click", record);
  again.addEventListener("click", record);
  stop.addEventListener("click", () => media.stop());
  drop.addEventListener("click", () => {
    forget();
    show(start);
    say(status.dataset.dropped);
    start.focus();
  });

  async function record() {
    const wanted = { audio: true, video: kind === "video" && { width: { ideal: 1280 }, facingMode: "user" } };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(wanted);
    } catch {
      return say(status.dataset.refused);
    }
    forget();
    const parts = [];
    media = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 1_500_000, audioBitsPerSecond: 96_000 });
    media.addEventListener("dataavailable", ({ data }) => parts.push(data));
    media.addEventListener("stop", () => {
      clearInterval(clock);
      for (const track of stream.getTracks()) track.stop();
      keep(new Blob(parts, { type: type.split(";")[0] }));
    });
    media.start(1000);
    if (kind === "video") watch({ srcObject: stream, muted: true, controls: false });
    count();
    show(stop);
    say(status.dataset.recording);
    stop.focus();
  }

  function count() {
    const begun = Date.now();
    let told = false;
    const tick = () => {
      const seconds = Math.max(0, longest - Math.floor((Date.now() - begun) / 1000));
      left.textContent = time(seconds);
      if (seconds <= 60 && !told) say(status.dataset.minute), (told = true);
      if (!seconds && media.state === "recording") media.stop();
    };
    left.hidden = false;
    left.dataset.begun = begun;
    clock = setInterval(tick, 250);
    tick();
  }

  function keep(blob) {
    const seconds = Math.min(longest, Math.round((Date.now() - left.dataset.begun) / 1000));
    recorded = new File([blob], `recording.${blob.type.split("/")[1]}`, { type: blob.type });
    fill([...others(), recorded]);
    playing = URL.createObjectURL(blob);
    watch({ srcObject: null, src: playing, muted: false, controls: true });
    left.hidden = true;
    show(again, drop);
    say(status.dataset.done.replace("%s", time(seconds)));
    again.focus();
  }

  function forget() {
    if (recorded) fill(others());
    if (playing) URL.revokeObjectURL(playing);
    recorded = playing = null;
    view.removeAttribute("src");
    view.hidden = true;
  }

  // Files the person chose besides: a field of one file holds the recording alone.
  function others() {
    return input.multiple ? [...input.files].filter(file => file !== recorded && file.name !== recorded?.name) : [];
  }

  function fill(files) {
    const all = new DataTransfer();
    for (const file of files) all.items.add(file);
    input.files = all.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function watch(properties) {
    view.hidden = false;
    view.classList.toggle("recorder__view--sound", kind === "audio");
    Object.assign(view, properties);
    if (properties.srcObject) view.play();
  }

  function show(...buttons) {
    for (const button of [start, stop, again, drop]) button.hidden = !buttons.includes(button);
  }

  function say(sentence) {
    status.textContent = sentence;
  }
}

function time(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
