// Finds what has moved since the last frame that it was shown.

#include <stdlib.h>
#include <string.h>

#include "detector.h"

#define WIDTH 160
#define HEIGHT 90
#define PIXELS (WIDTH * HEIGHT)

// What a topology may say in `config`. The host checks it before the detector is made.
static const char SCHEMA[] =
    "{\"type\": \"object\","
    " \"properties\": {"
    // A pixel has changed when its brightness differs by more than this.
    "  \"threshold\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 255},"
    // Fewer changed pixels than this are noise.
    "  \"pixels\": {\"type\": \"integer\", \"minimum\": 1}},"
    " \"additionalProperties\": false}";

// One for each node of a running graph.
struct exports_mediagraph_extension_detection_detector_t {
  long threshold;
  long pixels;
  bool has_last;
  uint8_t last[PIXELS];
};

typedef exports_mediagraph_extension_detection_detector_t detector_t;

void exports_mediagraph_extension_about_describe(exports_mediagraph_extension_about_description_t *ret) {
  detector_string_dup(&ret->name, "my-extension");
  detector_string_dup(&ret->version, "0.1.0");
  detector_string_dup(&ret->summary, "Finds what moves");
  detector_string_dup(&ret->config_schema, SCHEMA);
}

// A whole number in a flat JSON object; the schema allows nothing else.
static long number(const char *json, const char *name, long otherwise) {
  const char *at = strstr(json, name);
  at = at == NULL ? NULL : strchr(at, ':');
  return at == NULL ? otherwise : strtol(at + 1, NULL, 10);
}

bool exports_mediagraph_extension_detection_constructor_detector(
    detector_string_t *config, exports_mediagraph_extension_detection_own_detector_t *ret,
    detector_string_t *err) {
  detector_t *self = calloc(1, sizeof *self);
  char *json = calloc(1, config->len + 1);
  if (self == NULL || json == NULL) {
    detector_string_dup(err, "there is no memory");
    return false;
  }
  memcpy(json, config->ptr, config->len);
  self->threshold = number(json, "\"threshold\"", 25);
  self->pixels = number(json, "\"pixels\"", 12);
  free(json);
  detector_string_free(config);
  *ret = exports_mediagraph_extension_detection_detector_new(self);
  return true;
}

void exports_mediagraph_extension_detection_detector_destructor(detector_t *self) { free(self); }

// The host decodes, scales and converts: here, 160x90 grey pixels, five times a second.
void exports_mediagraph_extension_detection_method_detector_input(
    exports_mediagraph_extension_detection_borrow_detector_t self,
    exports_mediagraph_extension_detection_input_spec_t *ret) {
  (void)self;
  memset(ret, 0, sizeof *ret);
  ret->format = MEDIAGRAPH_EXTENSION_TYPES_PIXEL_FORMAT_GRAY8;
  ret->size.is_some = true;
  ret->size.val.width = WIDTH;
  ret->size.val.height = HEIGHT;
  ret->fit = MEDIAGRAPH_EXTENSION_TYPES_FIT_STRETCH;
  ret->max_rate.is_some = true;
  ret->max_rate.val = 5.0f;
}

// The box around all pixels that have changed.
static bool changed(const detector_t *self, const uint8_t *now, mediagraph_extension_types_rect_t *box) {
  long count = 0;
  int left = WIDTH, top = HEIGHT, right = 0, bottom = 0;
  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++) {
      int difference = now[y * WIDTH + x] - self->last[y * WIDTH + x];
      if (difference > self->threshold || difference < -self->threshold) {
        count++;
        left = x < left ? x : left;
        top = y < top ? y : top;
        right = x >= right ? x + 1 : right;
        bottom = y >= bottom ? y + 1 : bottom;
      }
    }
  }
  box->l = (float)left / WIDTH;
  box->t = (float)top / HEIGHT;
  box->w = (float)(right - left) / WIDTH;
  box->h = (float)(bottom - top) / HEIGHT;
  return count >= self->pixels;
}

bool exports_mediagraph_extension_detection_method_detector_detect(
    exports_mediagraph_extension_detection_borrow_detector_t self,
    exports_mediagraph_extension_detection_borrow_frame_t frame,
    exports_mediagraph_extension_detection_list_inference_t *ret, detector_string_t *err) {
  detector_list_u8_t now;
  mediagraph_extension_frames_method_frame_pixels(frame, &now);
  // The frame is the host's. A call that keeps it fails.
  mediagraph_extension_frames_frame_drop_borrow(frame);
  if (now.len != PIXELS) {
    detector_list_u8_free(&now);
    detector_string_dup(err, "the frame is not of the size that was asked for");
    return false;
  }
  mediagraph_extension_types_rect_t box;
  bool found = self->has_last && changed(self, now.ptr, &box);
  memcpy(self->last, now.ptr, PIXELS);
  self->has_last = true;
  detector_list_u8_free(&now);
  memset(ret, 0, sizeof *ret);
  if (!found) {
    return true;
  }
  // What is returned is freed for us.
  ret->ptr = calloc(1, sizeof *ret->ptr);
  if (ret->ptr == NULL) {
    detector_string_dup(err, "there is no memory");
    return false;
  }
  ret->len = 1;
  ret->ptr->finding.tag = MEDIAGRAPH_EXTENSION_TYPES_FINDING_MOTION;
  ret->ptr->finding.val.motion.box = box;
  return true;
}
