/* A DLL with nothing of its own: python3.dll only forwards to python312.dll (see make_stable_abi_dll). */
int __stdcall DllMainCRTStartup(void *module, unsigned reason, void *reserved)
{
    (void)module, (void)reason, (void)reserved;
    return 1;
}
