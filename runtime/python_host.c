#define _GNU_SOURCE
#include <Python.h>

#include "python_host.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "late.h"

/* Only warm processes and replays need the library. */
#define FUNCTIONS(X)                                                                           \
    X(PyConfig_Clear)                                                                          \
    X(PyConfig_InitIsolatedConfig)                                                             \
    X(PyConfig_SetBytesString)                                                                 \
    X(PyDict_GetItemString)                                                                    \
    X(PyDict_SetItemString)                                                                    \
    X(PyErr_Occurred)                                                                          \
    X(PyErr_Print)                                                                             \
    X(PyEval_GetBuiltins)                                                                      \
    X(PyList_GetItem)                                                                          \
    X(PyList_Insert)                                                                           \
    X(PyLong_AsLong)                                                                           \
    X(PyOS_AfterFork_Child)                                                                    \
    X(PyOS_AfterFork_Parent)                                                                   \
    X(PyOS_BeforeFork)                                                                         \
    X(PyObject_CallFunction)                                                                   \
    X(PyRun_SimpleStringFlags)                                                                 \
    X(PyRun_StringFlags)                                                                       \
    X(PyStatus_Exception)                                                                      \
    X(PySys_GetObject)                                                                         \
    X(PySys_SetObject)                                                                         \
    X(PyUnicode_FromFormat)                                                                    \
    X(Py_BuildValue)                                                                           \
    X(Py_DecRef)                                                                               \
    X(Py_IncRef)                                                                               \
    X(Py_InitializeFromConfig)

static struct {
    FUNCTIONS(AK_LATE_MEMBER)
} py;
static const AkLate functions[] = {FUNCTIONS(AK_LATE_ENTRY)};
static const AkPythonSpec *spec;
static PyObject *serve; /* ak_runner.serve */

/* The interpreter of this library, for programs that start it; not whatever PATH or an
 * activated environment has, which may be of another version. */
const char *ak_python_executable(void)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/bin/python%d.%d", AK_PYTHON_PREFIX, PY_MAJOR_VERSION,
             PY_MINOR_VERSION);
    return path;
}

void ak_python_version(char *version, size_t size)
{
    snprintf(version, size, "%d.%d", PY_MAJOR_VERSION, PY_MINOR_VERSION);
}

/* An environment is found by its pyvenv.cfg, which lies above the executable. */
static PyStatus set_executable(PyConfig *config)
{
    char path[1300];

    if (!spec->venv || !*spec->venv)
        return py.PyConfig_SetBytesString(config, &config->executable, ak_python_executable());
    snprintf(path, sizeof path, "%s/bin/python3", spec->venv);
    return py.PyConfig_SetBytesString(config, &config->executable, path);
}

static int start_interpreter(void)
{
    PyConfig config;

    py.PyConfig_InitIsolatedConfig(&config);
    config.use_hash_seed = 1; /* a set's order has to be the same on replay */
    config.hash_seed = 0;
    config.buffered_stdio = 1;
    PyStatus status = set_executable(&config);
    if (!py.PyStatus_Exception(status))
        status = py.Py_InitializeFromConfig(&config);
    py.PyConfig_Clear(&config);
    if (py.PyStatus_Exception(status)) {
        dprintf(2, "python: %s\n", status.err_msg ? status.err_msg : "it did not start");
        return -1;
    }
    return 0;
}

/* SIGUSR1 writes the stack from here on: a module may hang while it is loaded. */
static const char preparation[] =
    "import sys, faulthandler, signal\n"
    "faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)\n"
    "sys.path.insert(0, support)\n"
    "import ak_runner\n"
    "sys.path.remove(support)\n"
    "if not cold:\n"
    "    ak_runner.preload(code, entry)\n"
    "    import gc\n"
    "    gc.collect()\n"
    "    gc.freeze()\n"
    "serve = ak_runner.serve\n";

static int prepare(void)
{
    PyObject *names = py.Py_BuildValue("{s:s, s:s, s:s, s:i}", "support", spec->support, "code",
                                       spec->code, "entry", spec->entry, "cold", spec->cold);

    if (!names || py.PyDict_SetItemString(names, "__builtins__", py.PyEval_GetBuiltins()) < 0)
        return -1;
    PyObject *done = py.PyRun_StringFlags(preparation, Py_file_input, names, names, NULL);
    if (!done)
        return -1;
    py.Py_DecRef(done);
    serve = py.PyDict_GetItemString(names, "serve");
    py.Py_IncRef(serve);
    py.Py_DecRef(names);
    return serve ? 0 : -1;
}

static bool has_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    int n = 0;

    while (tasks && (entry = readdir(tasks)))
        n += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return n > 1;
}

static int open_library(void)
{
    char why[256];

    if (ak__late_open(AK_LATE_PATH, functions, &py, sizeof functions / sizeof *functions, why,
                      sizeof why) == 0)
        return 0;
    dprintf(2, "python: %s\n", why);
    return -1;
}

int ak_python_load(const AkPythonSpec *given)
{
    spec = given;
    if (open_library() < 0 || start_interpreter() < 0)
        return -1;
    if (prepare() < 0) {
        py.PyErr_Print();
        return -1;
    }
    py.PyRun_SimpleStringFlags("import sys; sys.stdout.flush(); sys.stderr.flush()", NULL);
    fflush(NULL);
    return has_threads() ? AK_PYTHON_HAS_THREADS : 0;
}

pid_t ak_python_fork(void)
{
    py.PyOS_BeforeFork();
    pid_t pid = fork();
    int failed = errno;
    if (pid == 0)
        py.PyOS_AfterFork_Child();
    else
        py.PyOS_AfterFork_Parent();
    errno = failed;
    return pid;
}

int ak_python_session(int fd, const char *entry)
{
    PyObject *code = py.PyObject_CallFunction(serve, "iss", fd, spec->code, entry);
    int result = code ? (int)py.PyLong_AsLong(code) : 1;

    if (py.PyErr_Occurred()) {
        py.PyErr_Print();
        result = 1;
    }
    py.PyRun_SimpleStringFlags("import sys; sys.stdout.flush(); sys.stderr.flush()", NULL);
    fflush(NULL);
    return result;
}

/* --- Replay
 * ---------------------------------------------------------------------------------------- */

/* pdb talks to the terminal itself: the program's own output goes through the protocol. */
const char ak_python_replay_script[] =
    "import os, sys\n"
    "support, fd, code, entry, debug = sys.argv[1:6]\n"
    "sys.path[0] = support\n"
    "import ak_runner\n"
    "del sys.path[0]\n"
    "if debug:\n"
    "    import pdb\n"
    "    terminal = {'stdin': os.fdopen(os.dup(0)), 'stdout': os.fdopen(os.dup(1), 'w')}\n"
    "    debugger = pdb.Pdb(skip=['ak_runner', 'autokitteh*', 'ak', 'asyncio*'], "
    "nosigint=True, **terminal)\n"
    "    inner = ak_runner.call_handler\n"
    "    def call_handler(*args):\n"
    "        try:\n"
    "            return debugger.runcall(inner, *args)\n"
    "        except Exception as exc:\n"
    "            terminal['stdout'].write('%s: %s\\n' % (type(exc).__name__, exc))\n"
    "            debugger.reset()\n"
    "            debugger.interaction(None, exc.__traceback__)\n"
    "            raise\n"
    "    ak_runner.call_handler = call_handler\n"
    "    sys.breakpointhook = lambda *a, **k: debugger.set_trace(sys._getframe(1))\n"
    "result = ak_runner.serve(int(fd), code, entry)\n"
    "sys.stdout.flush()\n"
    "sys.stderr.flush()\n"
    "os._exit(result)\n";

int ak_python_replay(int fd, const char *entry, bool debug)
{
    PyObject *list =
        py.Py_BuildValue("[ssNsss]", "-c", spec->support, py.PyUnicode_FromFormat("%d", fd),
                         spec->code, entry, debug ? "1" : "");

    if (!list || py.PySys_SetObject("argv", list) < 0)
        return 1;
    PyObject *path = py.PySys_GetObject("path");
    py.PyList_Insert(path, 0, py.PyList_GetItem(list, 1));
    return py.PyRun_SimpleStringFlags(ak_python_replay_script, NULL) < 0 ? 1 : 0;
}
