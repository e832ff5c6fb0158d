// Put before a page's own scripts: notes, in milliseconds since the page began, what a person waits for.

(() => {
  const watched = { first: 0, largest: 0, view: 0, click: 0, welcome: 0, connected: 0, frame: 0, steps: [] };
  globalThis.watched = watched;
  const marks = watched.steps;
  const note = (name) => {
    watched[name] ||= performance.now();
  };
  new PerformanceObserver((list) => (watched.first ||= list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true });
  new PerformanceObserver((list) => (watched.largest = list.getEntries().at(-1).startTime)).observe({
    type: "largest-contentful-paint",
    buffered: true,
  });
  addEventListener("click", ({ target }) => target.closest?.("button[type=submit]") && note("click"), { capture: true });

  const NativePeer = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends NativePeer {
    constructor(...args) {
      super(...args);
      marks.push(["peer", performance.now()]);
      this.addEventListener("connectionstatechange", () => {
        marks.push([`peer ${this.connectionState}`, performance.now()]);
        if (this.connectionState === "connected") note("connected");
      });
      this.addEventListener("iceconnectionstatechange", () => marks.push([`ice ${this.iceConnectionState}`, performance.now()]));
    }
    async setLocalDescription(...args) {
      marks.push(["offer begins", performance.now()]);
      const done = await super.setLocalDescription(...args);
      marks.push(["offer made", performance.now()]);
      return done;
    }
    async setRemoteDescription(...args) {
      marks.push(["answer here", performance.now()]);
      const done = await super.setRemoteDescription(...args);
      marks.push(["answer taken", performance.now()]);
      return done;
    }
  };
  const NativeSocket = WebSocket;
  globalThis.WebSocket = class extends NativeSocket {
    constructor(...args) {
      super(...args);
      marks.push(["socket", performance.now()]);
      this.addEventListener("open", () => marks.push(["socket open", performance.now()]));
      this.addEventListener("message", ({ data }) => {
        const { type } = JSON.parse(data);
        marks.push([`got ${type}`, performance.now()]);
        if (type === "welcome") note("welcome");
      });
    }
  };
  const follow = (video) =>
    video.requestVideoFrameCallback(() => {
      const tile = video.closest("li.tile");
      if (tile && !/\(/.test(tile.getAttribute("aria-label"))) note("frame");
      else follow(video);
    });
  new MutationObserver((changes) => {
    if (document.querySelector("main")) note("view");
    for (const { addedNodes } of changes)
      for (const node of addedNodes) for (const video of node.querySelectorAll?.("video") ?? []) follow(video);
  }).observe(document, { childList: true, subtree: true });
})();
