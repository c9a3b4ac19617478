// An addon whose objects act on the world when they are collected: what the child of a live capture
// must be kept from. Compiled by live-addons.test.mjs.

#include <fcntl.h>
#include <node.h>
#include <node_object_wrap.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace {

// Shared with everybody who maps it, as SQLite's index of its log is.
int* counter = nullptr;

class Acting : public node::ObjectWrap {
 public:
  Acting(const std::string& file, pid_t pid) : file_(file), pid_(pid) {}
  ~Acting() override {
    *counter += 1;
    unlink(file_.c_str());
    close(open((file_ + ".made").c_str(), O_CREAT | O_WRONLY, 0600));
    kill(pid_, SIGUSR1);
    try {
      std::thread([] {}).join();
    } catch (...) {
    }
  }
  static void New(const v8::FunctionCallbackInfo<v8::Value>& args) {
    v8::String::Utf8Value file(args.GetIsolate(), args[0]);
    auto pid = static_cast<pid_t>(args[1].As<v8::Number>()->Value());
    (new Acting(*file, pid))->Wrap(args.This());
    args.GetReturnValue().Set(args.This());
  }

 private:
  std::string file_;
  pid_t pid_;
};

void Count(const v8::FunctionCallbackInfo<v8::Value>& args) { args.GetReturnValue().Set(*counter); }

void Initialize(v8::Local<v8::Object> exports, v8::Local<v8::Value>, v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  counter = static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  auto acting = v8::FunctionTemplate::New(isolate, Acting::New);
  acting->InstanceTemplate()->SetInternalFieldCount(1);
  auto set = [&](const char* name, v8::Local<v8::FunctionTemplate> function) {
    auto key = v8::String::NewFromUtf8(isolate, name).ToLocalChecked();
    exports->Set(context, key, function->GetFunction(context).ToLocalChecked()).Check();
  };
  set("Acting", acting);
  set("count", v8::FunctionTemplate::New(isolate, Count));
}

}  // namespace

NODE_MODULE_CONTEXT_AWARE(finalizer, Initialize)
