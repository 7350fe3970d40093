import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.util.Collection;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.preflight.PreflightDocument;
import org.apache.pdfbox.preflight.ValidationResult;
import org.apache.pdfbox.preflight.parser.PreflightParser;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.util.Store;

/** Checks files with Bouncy Castle and Apache PDFBox; one command a line, one answer a line. */
public class Checker {
    private static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();

    public static void main(String[] arguments) throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        java.io.PrintStream answers = System.out;
        System.setOut(System.err);
        String line;
        while ((line = commands.readLine()) != null) {
            String answer;
            try {
                answer = answer(line.split("\t"));
            } catch (Throwable error) {
                answer = "error " + error.getClass().getSimpleName() + " " + error.getMessage();
            }
            answers.println(answer.replace('\n', ' '));
            answers.flush();
        }
    }

    private static String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "cms":
                CMSSignedData message = words.length > 2
                    ? new CMSSignedData(new CMSProcessableByteArray(read(words[2])), read(words[1]))
                    : new CMSSignedData(read(words[1]));
                return "signers " + verify(message);
            case "pdf":
                return pdf(new File(words[1]), words.length > 2 ? words[2] : "");
            case "preflight":
                return preflight(new File(words[1]));
            default:
                return "error unknown command";
        }
    }

    private static byte[] read(String path) throws Exception {
        return Files.readAllBytes(new File(path).toPath());
    }

    private static int verify(CMSSignedData message) throws Exception {
        Collection<SignerInformation> signers = message.getSignerInfos().getSigners();
        int count = 0;
        for (SignerInformation signer : signers) {
            count += verify(signer, message.getCertificates());
        }
        return count;
    }

    private static int verify(SignerInformation signer, Store<X509CertificateHolder> certificates) throws Exception {
        X509CertificateHolder certificate =
            (X509CertificateHolder) certificates.getMatches(signer.getSID()).iterator().next();
        if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(PROVIDER).build(certificate))) {
            throw new SecurityException("a signature does not verify");
        }
        int count = 1;
        for (SignerInformation counter : signer.getCounterSignatures().getSigners()) {
            count += verify(counter, certificates);
        }
        return count;
    }

    private static String pdf(File file, String password) throws Exception {
        int signatures = 0;
        boolean whole = false;
        byte[] content = Files.readAllBytes(file.toPath());
        try (PDDocument document = PDDocument.load(file, password)) {
            for (PDSignature signature : document.getSignatureDictionaries()) {
                if (!"ETSI.CAdES.detached".equals(signature.getSubFilter())) {
                    continue;
                }
                byte[] signed = signature.getSignedContent(content);
                verify(new CMSSignedData(new CMSProcessableByteArray(signed), signature.getContents(content)));
                int[] range = signature.getByteRange();
                whole |= range[2] + range[3] == content.length;
                signatures++;
            }
        }
        return "signatures " + signatures + (whole ? " whole" : " part");
    }

    private static String preflight(File file) throws Exception {
        PreflightParser parser = new PreflightParser(file);
        parser.parse();
        try (PreflightDocument document = parser.getPreflightDocument()) {
            document.validate();
            ValidationResult result = document.getResult();
            StringBuilder errors = new StringBuilder(result.isValid() ? "valid" : "invalid");
            for (ValidationResult.ValidationError error : result.getErrorsList()) {
                errors.append(" [").append(error.getErrorCode()).append(" ").append(error.getDetails()).append("]");
            }
            return errors.toString();
        }
    }
}
